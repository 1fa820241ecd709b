//! Where finished objects lie: a directory, or a bucket of an S3-compatible store.
//!
//! The `object_store` crate does the work; here is the choice of backend and what we ask of each: a local object that was
//! acknowledged is on the disk (fsync of file and directory), and nothing of a half-written one is ever seen.

use std::fs;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};

/// Which backend, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A directory. Made if it does not exist.
    Directory(PathBuf),
    /// `s3://{bucket}/{prefix}`. Credentials and region come from the environment (`AWS_ACCESS_KEY_ID`,
    /// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION`) or the machine's role.
    Bucket {
        /// The bucket.
        bucket: String,
        /// All keys begin with this; may be empty.
        prefix: String,
    },
}

/// The text is no place for objects.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LocationError(&'static str);

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return match text {
                "" => Err(LocationError("is empty; give a directory or s3://bucket/prefix")),
                path => Ok(Self::Directory(path.into())),
            };
        };
        match scheme {
            "file" if rest.starts_with('/') => Ok(Self::Directory(rest.into())),
            "file" => Err(LocationError("has a relative path after file://; give file:///absolute/path")),
            "s3" => {
                let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
                let prefix = prefix.trim_matches('/');
                let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
                if !(3..=63).contains(&bucket.len()) || !bucket.bytes().all(allowed) {
                    return Err(LocationError("has no valid bucket name (3 to 63 of a-z 0-9 - . _)"));
                }
                if Path::parse(prefix).is_err() {
                    return Err(LocationError("has a prefix that no object key can begin with"));
                }
                Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.to_owned() })
            }
            _ => Err(LocationError("has an unknown scheme; give a directory or s3://bucket/prefix")),
        }
    }
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory cannot be made or used.
    #[error("cannot use the directory {path} for objects: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The backend refuses the settings.
    #[error("cannot open the object store: {0}")]
    Store(#[from] object_store::Error),
}

/// Opens the store. A directory is made if need be; a bucket is not contacted until the first use.
///
/// `endpoint` is the URL of an S3-compatible store other than AWS, `http://` allowed; it means nothing for a directory.
///
/// # Errors
/// [`OpenError`].
pub fn open(location: &Location, endpoint: Option<&str>) -> Result<Arc<dyn ObjectStore>, OpenError> {
    match location {
        Location::Directory(path) => {
            let failed = |source| OpenError::Directory { path: path.clone(), source };
            fs::create_dir_all(path).map_err(failed)?;
            let path = fs::canonicalize(path).map_err(failed)?;
            let store = LocalFileSystem::new_with_prefix(path)?.with_fsync(true).with_automatic_cleanup(true);
            Ok(Arc::new(store))
        }
        Location::Bucket { bucket, prefix } => {
            let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
            if let Some(endpoint) = endpoint {
                builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
            }
            let store = builder.build()?;
            Ok(if prefix.is_empty() { Arc::new(store) } else { Arc::new(PrefixStore::new(store, prefix.as_str())) })
        }
    }
}

/// Deletes an object. A key that is not there is no error, on any backend: retention may run twice.
///
/// # Errors
/// What the backend says.
pub async fn delete(store: &dyn ObjectStore, key: &Path) -> object_store::Result<()> {
    match store.delete(key).await {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests;
