//! Which text means which place.

use super::*;

fn bucket(bucket: &str, prefix: &str) -> Location {
    Location::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() }
}

#[test]
fn a_path_is_a_directory_and_s3_is_a_bucket() {
    for (text, location) in [
        ("objects", Location::Directory("objects".into())),
        ("/var/lib/tayang/objects", Location::Directory("/var/lib/tayang/objects".into())),
        ("file:///srv/objects", Location::Directory("/srv/objects".into())),
        ("s3://kelas", bucket("kelas", "")),
        ("s3://kelas/", bucket("kelas", "")),
        ("s3://kelas/a/b/", bucket("kelas", "a/b")),
    ] {
        assert_eq!(text.parse(), Ok(location), "{text}");
    }
}

#[test]
fn what_is_no_place_is_refused_with_a_reason() {
    for bad in
        ["", "file://relative", "s3://", "s3:///key", "s3://UPPER/x", "s3://ab", "s3://kelas/../x", "gs://kelas/x"]
    {
        let error = bad.parse::<Location>().expect_err(bad);
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn a_bucket_opens_without_being_contacted() {
    // Nothing listens there.
    assert!(open(&bucket("kelas", "a"), Some("http://127.0.0.1:1")).is_ok());
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_that_names_it() {
    let error = open(&Location::Directory("/dev/null/objects".into()), None).expect_err("not a directory");
    assert!(error.to_string().contains("/dev/null/objects"), "{error}");
}
