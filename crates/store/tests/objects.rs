//! What any object store must do, on every backend that needs no service: a directory, and memory.

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload};
use store::objects::{self, Location};

async fn object_store_contract(store: &dyn ObjectStore) {
    put_is_all_or_nothing(store).await;
    a_second_put_replaces_the_first_whole(store).await;
    create_refuses_what_exists(store).await;
    delete_of_missing_key_is_ok(store).await;
    range_is_exact(store).await;
    range_past_end_is_an_error(store).await;
    an_abandoned_multipart_upload_leaves_nothing(store).await;
}

async fn bytes(store: &dyn ObjectStore, key: &Path) -> Vec<u8> {
    store.get(key).await.expect("there").bytes().await.expect("readable").to_vec()
}

async fn put_is_all_or_nothing(store: &dyn ObjectStore) {
    let key = Path::from("kelas/1/video/7.m4s");
    assert!(matches!(store.head(&key).await, Err(object_store::Error::NotFound { .. })));
    store.put(&key, vec![7u8; 300_000].into()).await.expect("put");
    assert_eq!(store.head(&key).await.expect("there").size, 300_000);
    assert_eq!(bytes(store, &key).await, vec![7u8; 300_000]);
}

async fn a_second_put_replaces_the_first_whole(store: &dyn ObjectStore) {
    let key = Path::from("kelas/1/index.json");
    store.put(&key, PutPayload::from_static(b"a long first version")).await.expect("put");
    store.put(&key, PutPayload::from_static(b"short")).await.expect("put again");
    assert_eq!(bytes(store, &key).await, b"short");
}

async fn create_refuses_what_exists(store: &dyn ObjectStore) {
    let key = Path::from("kelas/1/once");
    let put =
        |text: &'static str| store.put_opts(&key, PutPayload::from_static(text.as_bytes()), PutMode::Create.into());
    put("first").await.expect("new");
    assert!(matches!(put("second").await, Err(object_store::Error::AlreadyExists { .. })));
    assert_eq!(bytes(store, &key).await, b"first");
}

async fn delete_of_missing_key_is_ok(store: &dyn ObjectStore) {
    let key = Path::from("kelas/1/gone");
    objects::delete(store, &key).await.expect("never was");
    store.put(&key, PutPayload::from_static(b"x")).await.expect("put");
    objects::delete(store, &key).await.expect("was");
    objects::delete(store, &key).await.expect("is no more");
    assert!(store.head(&key).await.is_err());
}

async fn range_is_exact(store: &dyn ObjectStore) {
    let key = Path::from("kelas/1/range");
    store.put(&key, PutPayload::from_static(b"0123456789")).await.expect("put");
    assert_eq!(&store.get_range(&key, 2..5).await.expect("inside")[..], b"234");
    assert_eq!(&store.get_range(&key, 8..10).await.expect("to the end")[..], b"89");
}

async fn range_past_end_is_an_error(store: &dyn ObjectStore) {
    let key = Path::from("kelas/1/range-past-end");
    store.put(&key, PutPayload::from_static(b"0123456789")).await.expect("put");
    let options = GetOptions { range: Some(GetRange::Bounded(10..12)), ..GetOptions::default() };
    assert!(store.get_opts(&key, options).await.is_err(), "not an empty success");
}

async fn an_abandoned_multipart_upload_leaves_nothing(store: &dyn ObjectStore) {
    let key = Path::from("kelas/1/recording.mp4");
    let mut upload = store.put_multipart(&key).await.expect("begun");
    upload.put_part(vec![1u8; 5 << 20].into()).await.expect("a part");
    assert!(store.head(&key).await.is_err(), "nobody sees it before it is complete");
    upload.abort().await.expect("given up");
    drop(upload);
    assert!(store.head(&key).await.is_err());
    let mut upload = store.put_multipart(&key).await.expect("begun again");
    upload.put_part(vec![1u8; 5 << 20].into()).await.expect("a part");
    upload.put_part(vec![2u8; 10].into()).await.expect("the last part");
    upload.complete().await.expect("complete");
    assert_eq!(store.head(&key).await.expect("there").size, (5 << 20) + 10);
}

#[tokio::test]
async fn a_directory_keeps_the_contract() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let location = Location::Directory(directory.path().join("made/when/needed"));
    object_store_contract(&*objects::open(&location, None).expect("open")).await;
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    object_store_contract(&InMemory::new()).await;
}

#[tokio::test]
async fn a_directory_opened_again_has_what_was_put() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let location = Location::Directory(directory.path().into());
    let key = Path::from("a/b");
    objects::open(&location, None).expect("open").put(&key, PutPayload::from_static(b"x")).await.expect("put");
    assert_eq!(bytes(&*objects::open(&location, None).expect("again"), &key).await, b"x");
}
