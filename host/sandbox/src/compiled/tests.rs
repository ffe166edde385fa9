//! The directory of compiled code: who it is shared with, what is believed, what it grows to.

use std::os::unix::fs::{PermissionsExt, symlink};

use tempfile::TempDir;

use super::*;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn opened(dir: &TempDir) -> Kept {
    Kept::open(&dir.path().join("compiled")).unwrap()
}

/// What is kept under a name: the same for this process and for workers.
#[track_caller]
fn loaded(kept: &Kept, name: &Digest) -> Option<Vec<u8>> {
    let here = kept.load(name).map(|code| code.0);
    let apart = kept.load_for_workers(name).map(|file| content(&file).unwrap());
    assert_eq!(here, apart);
    here
}

#[track_caller]
fn check_unfit(dir: &TempDir, expected: &str) {
    let path = dir.path().join("compiled");
    let said = match Kept::open(&path) {
        Ok(_) => "fit".to_owned(),
        Err(unfit) => unfit.to_string().replace(&path.display().to_string(), "<dir>"),
    };
    assert_eq!(said, expected);
}

#[test]
fn what_is_stored_comes_back_under_its_name_only() {
    let dir = TempDir::new().unwrap();
    let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
    opened(&dir).store(&a, b"code of a").unwrap();
    let kept = opened(&dir);
    assert_eq!(loaded(&kept, &a).unwrap(), b"code of a");
    assert!(loaded(&kept, &b).is_none());
    fs::copy(kept.path(&a), kept.path(&b)).unwrap();
    assert!(loaded(&kept, &b).is_none(), "the name is part of what is signed");
}

#[test]
fn code_of_any_length_comes_back_and_no_byte_of_it_can_change() {
    let dir = TempDir::new().unwrap();
    let kept = opened(&dir);
    for length in [0, 1, STRIDE_BYTES - 1, STRIDE_BYTES, 3 * STRIDE_BYTES + 7] {
        let name = Digest::of(&length.to_le_bytes());
        let code: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect();
        kept.store(&name, &code).unwrap();
        assert_eq!(loaded(&kept, &name), Some(code));

        let path = kept.path(&name);
        let stored = fs::read(&path).unwrap();
        for at in [0, KEY_BYTES - 1, KEY_BYTES + length / 2, KEY_BYTES + length] {
            let mut changed = stored.clone();
            match changed.get_mut(at) {
                Some(byte) => *byte ^= 1,
                None => changed.push(0),
            }
            fs::write(&path, changed).unwrap();
            assert_eq!(loaded(&kept, &name), None, "byte {at} of {length}");
        }
        fs::write(&path, &stored[..KEY_BYTES - 1]).unwrap();
        assert_eq!(loaded(&kept, &name), None);
    }
}

#[test]
fn everything_in_it_is_ours_alone() {
    let dir = TempDir::new().unwrap();
    let kept = opened(&dir);
    let name = Digest::of(b"a");
    kept.store(&name, b"code").unwrap();
    assert_eq!(mode(&kept.dir), 0o700);
    assert_eq!(mode(&kept.dir.join(KEY_FILE)), 0o600);
    assert_eq!(mode(&kept.path(&name)), 0o600);

    set_mode(&kept.path(&name), 0o640);
    assert!(loaded(&kept, &name).is_none(), "a file others can read was not made by us");
}

#[test]
fn links_and_other_files_are_not_believed() {
    let dir = TempDir::new().unwrap();
    let kept = opened(&dir);
    let (a, b) = (Digest::of(b"a"), Digest::of(b"b"));
    kept.store(&a, b"code").unwrap();
    let elsewhere = dir.path().join("elsewhere");
    fs::rename(kept.path(&a), &elsewhere).unwrap();
    symlink(&elsewhere, kept.path(&a)).unwrap();
    assert!(loaded(&kept, &a).is_none());
    fs::create_dir(kept.path(&b)).unwrap();
    assert!(loaded(&kept, &b).is_none());
    assert!(kept.store(&b, b"code").is_err(), "a directory is not replaced");
}

#[test]
fn a_directory_or_key_that_others_can_reach_is_not_used() {
    let dir = TempDir::new().unwrap();
    let kept = opened(&dir);
    let key = kept.dir.join(KEY_FILE);
    let not_private = |path: &str| {
        format!("`{path}` is not private to this user; give it mode 700, and its files mode 600")
    };

    set_mode(&kept.dir, 0o750);
    check_unfit(&dir, &not_private("<dir>"));
    set_mode(&kept.dir, 0o700);
    check_unfit(&dir, "fit");

    set_mode(&key, 0o644);
    check_unfit(&dir, &not_private("<dir>/key"));
    set_mode(&key, 0o600);
    fs::write(&key, "short").unwrap();
    check_unfit(&dir, "the key in `<dir>/key` is not one of ours; delete the directory");

    fs::rename(&key, dir.path().join("key")).unwrap();
    symlink(dir.path().join("key"), &key).unwrap();
    check_unfit(&dir, &not_private("<dir>/key"));

    fs::rename(&kept.dir, dir.path().join("real")).unwrap();
    symlink(dir.path().join("real"), &kept.dir).unwrap();
    check_unfit(&dir, &not_private("<dir>"));
}

#[test]
fn what_was_signed_with_another_key_is_not_believed() {
    let (ours, theirs) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let name = Digest::of(b"a");
    let (our, their) = (opened(&ours), opened(&theirs));
    their.store(&name, b"code").unwrap();
    fs::copy(their.path(&name), our.path(&name)).unwrap();
    assert!(loaded(&our, &name).is_none());
}

#[test]
fn the_oldest_make_room_for_the_newest() {
    let dir = TempDir::new().unwrap();
    let kept = opened(&dir);
    let names: Vec<Digest> = (0..FILES_MAX + 3).map(|n| Digest::of(&n.to_le_bytes())).collect();
    for (n, name) in names.iter().enumerate() {
        kept.store(name, b"code").unwrap();
        let file = File::options().write(true).open(kept.path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(n as u64))
            .unwrap();
    }
    kept.make_room().unwrap();
    let left: Vec<bool> = names.iter().map(|name| loaded(&kept, name).is_some()).collect();
    assert_eq!(left.iter().filter(|&&left| left).count(), FILES_MAX);
    assert_eq!(left[..3], [false; 3]);
    assert!(kept.dir.join(KEY_FILE).exists());
}
