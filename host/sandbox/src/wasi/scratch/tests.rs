//! `/tmp` against a model that is a map from paths to bytes, under random operations.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Step {
    Write(String, Vec<u8>),
    Append(String, u8),
    MakeDirectory(String),
    Remove(String),
    RemoveDirectory(String),
    Rename(String, String),
    Resize(String, u64),
}

/// A file's bytes, or a directory.
type Model = BTreeMap<String, Option<Vec<u8>>>;

fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec("[abc]", 1..4).prop_map(|names| names.join("/"))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (path(), proptest::collection::vec(any::<u8>(), 0..9)).prop_map(|(p, b)| Step::Write(p, b)),
        (path(), any::<u8>()).prop_map(|(p, b)| Step::Append(p, b)),
        path().prop_map(Step::MakeDirectory),
        path().prop_map(Step::Remove),
        path().prop_map(Step::RemoveDirectory),
        (path(), path()).prop_map(|(a, b)| Step::Rename(a, b)),
        (path(), 0_u64..20).prop_map(|(p, n)| Step::Resize(p, n)),
    ]
}

fn names(path: &str) -> Names<'_> {
    Names::of(path).unwrap()
}

fn parent_is_directory(model: &Model, path: &str) -> bool {
    path.rsplit_once('/').is_none_or(|(parent, _)| model.get(parent) == Some(&None))
}

fn is_empty(model: &Model, path: &str) -> bool {
    let below = format!("{path}/");
    !model.keys().any(|other| other.starts_with(&below))
}

/// Opens a file for writing as `open(2)` with `O_CREAT` does, acts, and closes it.
fn with_file<T>(
    scratch: &mut Scratch,
    path: &str,
    truncate: bool,
    act: impl FnOnce(&mut Scratch, u64) -> Done<T>,
) -> Done<T> {
    let how = Opening { create: true, truncate, ..Opening::default() };
    let number = scratch.open(ROOT, &names(path), how)?;
    let done = act(scratch, number);
    scratch.release(number);
    done
}

/// Does the same to both; whether it worked must be the same, too.
fn apply(scratch: &mut Scratch, model: &mut Model, step: &Step) -> (bool, bool) {
    match step {
        Step::Write(path, bytes) => {
            let write = |scratch: &mut Scratch, file| scratch.write(file, Some(0), bytes);
            let did = with_file(scratch, path, true, write).is_ok();
            let may = parent_is_directory(model, path) && model.get(path) != Some(&None);
            if may {
                model.insert(path.clone(), Some(bytes.clone()));
            }
            (did, may)
        }
        Step::Append(path, byte) => {
            let write = |scratch: &mut Scratch, file| scratch.write(file, None, &[*byte]);
            let did = with_file(scratch, path, false, write).is_ok();
            let may = parent_is_directory(model, path) && model.get(path) != Some(&None);
            if may {
                let file = model.entry(path.clone()).or_insert_with(|| Some(Vec::new()));
                file.as_mut().unwrap().push(*byte);
            }
            (did, may)
        }
        Step::MakeDirectory(path) => {
            let did = scratch.make_directory(ROOT, &names(path)).is_ok();
            let may = parent_is_directory(model, path) && !model.contains_key(path);
            if may {
                model.insert(path.clone(), None);
            }
            (did, may)
        }
        Step::Remove(path) => {
            let did = scratch.remove(ROOT, &names(path), false).is_ok();
            let may = matches!(model.get(path), Some(Some(_)));
            if may {
                model.remove(path);
            }
            (did, may)
        }
        Step::RemoveDirectory(path) => {
            let did = scratch.remove(ROOT, &names(path), true).is_ok();
            let may = model.get(path) == Some(&None) && is_empty(model, path);
            if may {
                model.remove(path);
            }
            (did, may)
        }
        Step::Rename(old, new) => {
            let did = scratch.rename((ROOT, &names(old)), (ROOT, &names(new))).is_ok();
            (did, rename(model, old, new))
        }
        Step::Resize(path, size) => {
            let resize = |scratch: &mut Scratch, file| scratch.set_size(file, *size);
            let did = with_file(scratch, path, false, resize).is_ok();
            let may = parent_is_directory(model, path) && model.get(path) != Some(&None);
            if may {
                let file = model.entry(path.clone()).or_insert_with(|| Some(Vec::new()));
                file.as_mut().unwrap().resize(usize::try_from(*size).unwrap(), 0);
            }
            (did, may)
        }
    }
}

fn rename(model: &mut Model, old: &str, new: &str) -> bool {
    let Some(moved) = model.get(old).cloned() else { return false };
    if new == old {
        return true;
    }
    let inside = new.starts_with(&format!("{old}/"));
    if inside || !parent_is_directory(model, new) {
        return false;
    }
    let replaced = match (model.get(new), &moved) {
        (None, _) | (Some(Some(_)), Some(_)) => true,
        (Some(None), None) => is_empty(model, new),
        (Some(None), Some(_)) | (Some(Some(_)), None) => false,
    };
    if replaced {
        model.remove(new);
        let below = format!("{old}/");
        let moving: Vec<String> =
            model.keys().filter(|path| *path == old || path.starts_with(&below)).cloned().collect();
        for path in moving {
            let content = model.remove(&path).unwrap();
            model.insert(format!("{new}{}", &path[old.len()..]), content);
        }
    }
    replaced
}

/// Everything in a directory, by path.
fn list(scratch: &Scratch, directory: u64, at: &str, all: &mut Model) {
    for (name, is_directory) in scratch.entries(directory).unwrap() {
        let path = if at.is_empty() { name.clone() } else { format!("{at}/{name}") };
        let number = scratch.at(directory, &names(&name)).unwrap();
        if is_directory {
            all.insert(path.clone(), None);
            list(scratch, number, &path, all);
        } else {
            let size = scratch.size(number).unwrap();
            all.insert(path, Some(scratch.read(number, 0, size).unwrap()));
        }
    }
}

proptest! {
    #[test]
    fn it_is_a_map_from_paths_to_bytes(steps in proptest::collection::vec(step(), 0..60)) {
        let (mut scratch, mut model) = (Scratch::default(), Model::new());
        for step in &steps {
            let (did, may) = apply(&mut scratch, &mut model, step);
            prop_assert_eq!(did, may, "{:?}", step);
        }
        let mut found = Model::new();
        list(&scratch, ROOT, "", &mut found);
        prop_assert_eq!(&found, &model);
        let bytes: usize = model.values().flatten().map(Vec::len).sum();
        prop_assert_eq!(scratch.bytes, bytes as u64);
        prop_assert_eq!(scratch.nodes.len(), model.len() + 1, "nothing is left behind");
    }
}

#[test]
fn a_file_without_a_name_stays_while_it_is_open() {
    let mut scratch = Scratch::default();
    let how = Opening { create: true, ..Opening::default() };
    let file = scratch.open(ROOT, &names("a"), how).unwrap();
    scratch.write(file, Some(0), b"abc").unwrap();
    scratch.remove(ROOT, &names("a"), false).unwrap();
    assert_eq!(scratch.open(ROOT, &names("a"), Opening::default()), Err(ErrorCode::NoEntry));
    assert_eq!(scratch.read(file, 1, 9), Ok(b"bc".to_vec()));
    scratch.release(file);
    assert_eq!(scratch.read(file, 0, 1), Err(ErrorCode::BadDescriptor));
    assert_eq!((scratch.bytes, scratch.nodes.len()), (0, 1));
}

#[test]
fn it_is_full_at_some_time() {
    let mut scratch = Scratch::default();
    let how = Opening { create: true, ..Opening::default() };
    let file = scratch.open(ROOT, &names("a"), how).unwrap();
    assert_eq!(scratch.set_size(file, BYTES_MAX), Ok(()));
    assert_eq!(scratch.write(file, None, b"x"), Err(ErrorCode::InsufficientSpace));
    assert_eq!(scratch.write(file, Some(u64::MAX), b"x"), Err(ErrorCode::FileTooLarge));
    assert_eq!(scratch.set_size(file, u64::MAX), Err(ErrorCode::InsufficientSpace));
    assert_eq!(scratch.set_size(file, 0), Ok(()));
    for number in 0..ENTRIES_MAX - 2 {
        scratch.make_directory(ROOT, &names(&number.to_string())).unwrap();
    }
    assert_eq!(scratch.make_directory(ROOT, &names("b")), Err(ErrorCode::InsufficientSpace));
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    assert_eq!(scratch.make_directory(ROOT, &names(&long)), Err(ErrorCode::NameTooLong));
}
