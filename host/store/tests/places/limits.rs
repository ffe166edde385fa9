//! Each limit at n and at one more.

use std::fs;

use servers::{ITEM_BYTES_MAX, Kind};
use store::{ENTRIES_MAX, Name, OBJECT_BYTES_MAX, Store, StoreError};

use crate::stores::Stores as _;

fn in_folder() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&format!("fs://{}", folder.path().display()), |_| None).unwrap();
    (folder, store)
}

#[tokio::test]
async fn an_object_is_as_large_as_it_may_be_and_no_larger() {
    let (folder, in_files) = in_folder();
    let in_memory = Store::open("memory://", |_| None).unwrap();
    let name = Name::new("large").unwrap();
    for store in [&in_files, &in_memory] {
        store.put(&name, vec![7; OBJECT_BYTES_MAX]).await.unwrap();
        assert_eq!(store.get(&name).await.unwrap().map(|b| b.len()), Some(OBJECT_BYTES_MAX));
        let more = vec![7; OBJECT_BYTES_MAX + 1];
        let too_large = StoreError::TooLarge { name: name.clone() };
        assert_eq!(store.put(&name, more.clone()).await, Err(too_large.clone()));
        assert_eq!(store.create(&name, more).await, Err(too_large));
    }
    // Somebody else's file is not read whole to find out.
    let file = fs::OpenOptions::new().write(true).open(folder.path().join("large")).unwrap();
    file.set_len(1 << 40).unwrap();
    assert_eq!(in_files.get(&name).await, Err(StoreError::TooLarge { name }));
}

#[tokio::test]
async fn an_object_is_no_larger_than_the_service_takes() {
    let Some(memcached) = Kind::Memcached.start() else { return };
    let store = memcached.store();
    let name = Name::new("large").unwrap();
    store.put(&name, vec![7; ITEM_BYTES_MAX - 1024]).await.unwrap();
    let too_large = StoreError::TooLarge { name: name.clone() };
    assert_eq!(store.put(&name, vec![7; ITEM_BYTES_MAX + 1]).await, Err(too_large.clone()));
    assert_eq!(store.create(&name, vec![7; OBJECT_BYTES_MAX]).await, Err(too_large));
    store.put(&name, vec![7; 5]).await.unwrap();
    assert_eq!(store.get(&name).await, Ok(Some(vec![7; 5])));
}

#[tokio::test]
async fn names_are_told_apart_however_long_they_are() {
    let Some(memcached) = Kind::Memcached.start() else { return };
    let store = memcached.store();
    for length in [1, 180, 200] {
        let name = |last: char| {
            let segment = format!("{}{last}", "s".repeat(length - 1));
            Name::new(format!("{segment}/{segment}")).unwrap()
        };
        store.put(&name('a'), b"a".to_vec()).await.unwrap();
        assert_eq!(store.get(&name('b')).await, Ok(None));
        store.put(&name('b'), b"b".to_vec()).await.unwrap();
        assert_eq!(store.get(&name('a')).await, Ok(Some(b"a".to_vec())));
    }
}

#[tokio::test]
async fn a_listing_is_as_long_as_it_may_be_and_no_longer() {
    let (folder, store) = in_folder();
    let prefix = Name::new("runs").unwrap();
    fs::create_dir(folder.path().join("runs")).unwrap();
    for number in 0..ENTRIES_MAX {
        fs::write(folder.path().join(format!("runs/{number:05}")), "").unwrap();
    }
    assert_eq!(store.list(&prefix).await.unwrap().len(), ENTRIES_MAX);
    fs::write(folder.path().join("runs/more"), "").unwrap();
    let too_many = StoreError::TooMany { store: store.url().to_owned(), prefix: prefix.clone() };
    assert_eq!(store.list(&prefix).await, Err(too_many));
}

#[tokio::test]
async fn what_is_not_ours_is_not_listed_and_links_are_not_followed() {
    let (folder, store) = in_folder();
    let prefix = Name::new("runs").unwrap();
    let ours = prefix.join("ours").unwrap();
    store.put(&ours, vec![1]).await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("secret"), "x").unwrap();
    let runs = folder.path().join("runs");
    std::os::unix::fs::symlink(elsewhere.path(), runs.join("link")).unwrap();
    fs::write(runs.join(".unfinished-abc"), "x").unwrap();
    fs::write(runs.join("NOT OURS"), "x").unwrap();
    let listed = store.list(&prefix).await.unwrap();
    assert_eq!(listed.iter().map(|entry| &entry.name).collect::<Vec<_>>(), [&ours]);
}
