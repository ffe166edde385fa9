//! What a binary file is, by the bytes it begins with.

/// A kind of file.
#[derive(Debug)]
pub(crate) struct Known {
    at: usize,
    magic: &'static [u8],
    name: &'static str,
    /// Whether no text begins so. `BM` and `MZ` may begin a sentence; those need a NUL, too.
    pub(crate) never_text: bool,
}

const fn known_by(at: usize, magic: &'static [u8], name: &'static str) -> Known {
    Known { at, magic, name, never_text: true }
}

const fn perhaps(magic: &'static [u8], name: &'static str) -> Known {
    Known { at: 0, magic, name, never_text: false }
}

/// What lies in repositories. The first that fits wins.
const KINDS: &[Known] = &[
    known_by(0, b"\xff\xfe\0\0", "text in UTF-32, which is not shown"),
    known_by(0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    known_by(0, b"\xff\xd8\xff", "a JPEG image"),
    perhaps(b"GIF8", "a GIF image"),
    known_by(8, b"WEBP", "a WebP image"),
    known_by(8, b"WAVE", "a WAV sound"),
    known_by(4, b"ftyp", "an MP4 or a relative of it"),
    perhaps(b"%PDF-", "a PDF document"),
    known_by(0, b"PK\x03\x04", "a ZIP archive (also jar, docx, wheel)"),
    known_by(0, b"PK\x05\x06", "an empty ZIP archive"),
    known_by(0, b"\x1f\x8b", "a gzip file"),
    known_by(0, b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    known_by(0, b"\xfd7zXZ\0", "an xz file"),
    known_by(0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    perhaps(b"BZh", "a bzip2 file"),
    known_by(257, b"ustar", "a tar archive"),
    perhaps(b"!<arch>\n", "an archive of object files"),
    known_by(0, b"\x7fELF", "an ELF program or library"),
    known_by(0, b"\xcf\xfa\xed\xfe", "a Mach-O program or library"),
    known_by(0, b"\xca\xfe\xba\xbe", "a Java class or a fat Mach-O program"),
    perhaps(b"MZ", "a Windows program or library"),
    known_by(0, b"\0asm", "a WebAssembly module or component"),
    perhaps(b"SQLite format 3\0", "an SQLite database"),
    perhaps(b"OggS", "an Ogg sound or video"),
    perhaps(b"fLaC", "a FLAC sound"),
    perhaps(b"ID3", "an MP3 sound"),
    perhaps(b"wOFF", "a web font"),
    perhaps(b"wOF2", "a web font"),
    perhaps(b"OTTO", "a font"),
    known_by(0, b"\0\x01\0\0", "a font"),
    known_by(0, b"\0\0\x01\0", "an icon"),
    perhaps(b"BM", "a BMP image"),
    perhaps(b"PACK", "a git pack"),
    known_by(0, b"\x93NUMPY", "a NumPy array"),
    perhaps(b"PAR1", "a Parquet file"),
];

/// What begins like this, if anything we know.
pub(crate) fn known(bytes: &[u8]) -> Option<&'static Known> {
    KINDS.iter().find(|kind| bytes.get(kind.at..).is_some_and(|rest| rest.starts_with(kind.magic)))
}

/// In words.
pub(crate) fn name(bytes: &[u8]) -> &'static str {
    known(bytes).map_or("binary data of a kind not known here", |kind| kind.name)
}
