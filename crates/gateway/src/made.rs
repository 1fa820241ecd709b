//! What is made of a recording when it is first asked for, and kept: playlists, manifests, segments in MPEG-TS.
//!
//! Making one costs milliseconds of a core, more the longer the recording is. So it is made on a thread that may take its
//! time, never on one that serves sockets; whoever asks meanwhile waits for the same one; and the newest are kept, within
//! bounds. Knows nothing of what it keeps.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use recorder::RecorderError;
use tokio::sync::OnceCell;

/// Something made: its bytes and, of texts, the same compressed.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// The bytes.
    pub bytes: Bytes,
    /// The bytes in gzip, where that pays.
    pub packed: Option<Bytes>,
}

impl Item {
    fn cost(&self) -> usize {
        self.bytes.len() + self.packed.as_ref().map_or(0, Bytes::len)
    }
}

/// What there is to say; `None`: nothing can be made of it.
type Cell = Arc<OnceCell<Option<Item>>>;

struct Slot<V> {
    version: V,
    cell: Cell,
    /// When it was asked for last, in uses of all.
    used: u64,
}

struct Slots<K, V> {
    by_key: HashMap<K, Slot<V>>,
    uses: u64,
}

/// See the module's documentation. A key has one version at a time.
pub struct Made<K, V> {
    slots: Mutex<Slots<K, V>>,
    items_max: usize,
    bytes_max: usize,
}

impl<K: Hash + Eq + Clone, V: PartialEq> Made<K, V> {
    /// Keeps at most so many, of so many bytes together. Those that are being made count as items of no bytes.
    #[must_use]
    pub fn new(items_max: usize, bytes_max: usize) -> Self {
        Self { slots: Mutex::new(Slots { by_key: HashMap::new(), uses: 0 }), items_max, bytes_max }
    }

    /// The item, made by `make` unless it is there or on its way.
    ///
    /// # Errors
    /// Those of `make`; they are not kept.
    pub async fn get(
        &self,
        key: K,
        version: V,
        make: impl Future<Output = Result<Option<Item>, RecorderError>>,
    ) -> Result<Option<Item>, RecorderError> {
        let asking = Asking { cell: self.cell(&key, version), key, made: self };
        if let Some(there) = asking.cell.get() {
            return Ok(there.clone());
        }
        let made = asking.cell.get_or_try_init(|| make).await?.clone();
        self.trim();
        Ok(made)
    }

    fn cell(&self, key: &K, version: V) -> Cell {
        let mut slots = self.slots.lock();
        slots.uses += 1;
        let used = slots.uses;
        match slots.by_key.get_mut(key).filter(|slot| slot.version == version) {
            Some(slot) => {
                slot.used = used;
                slot.cell.clone()
            }
            None => {
                let cell = Cell::default();
                slots.by_key.insert(key.clone(), Slot { version, cell: cell.clone(), used });
                cell
            }
        }
    }

    /// Forgets what was not used for longest, in one pass, until the rest is within bounds.
    fn trim(&self) {
        let mut slots = self.slots.lock();
        let cost = |slot: &Slot<V>| slot.cell.get().and_then(Option::as_ref).map_or(0, Item::cost);
        let mut bytes: usize = slots.by_key.values().map(cost).sum();
        let mut items = slots.by_key.len();
        if items <= self.items_max && bytes <= self.bytes_max {
            return;
        }
        let mut costs: Vec<(u64, usize)> = slots.by_key.values().map(|slot| (slot.used, cost(slot))).collect();
        costs.sort_unstable();
        let mut gone = 0;
        for (used, cost) in costs {
            if items <= self.items_max && bytes <= self.bytes_max {
                break;
            }
            (items, bytes, gone) = (items - 1, bytes - cost, used);
        }
        slots.by_key.retain(|_, slot| slot.used > gone);
    }
}

/// Somebody who asks for an item. The last one to leave before anything was made takes the empty slot along: what fails,
/// or is not waited for, leaves nothing behind.
struct Asking<'m, K: Hash + Eq, V> {
    key: K,
    cell: Cell,
    made: &'m Made<K, V>,
}

impl<K: Hash + Eq, V> Drop for Asking<'_, K, V> {
    fn drop(&mut self) {
        if self.cell.initialized() {
            return;
        }
        let mut slots = self.made.slots.lock();
        // Given up under the lock, as it was taken: of those who leave together, one is the last.
        let cell = std::mem::take(&mut self.cell);
        let is_ours = slots.by_key.get(&self.key).is_some_and(|slot| Arc::ptr_eq(&slot.cell, &cell));
        if is_ours && Arc::strong_count(&cell) == 2 {
            slots.by_key.remove(&self.key);
        }
        drop(cell);
        drop(slots);
    }
}

/// Runs `make` where it holds nobody up.
///
/// # Errors
/// If it panicked.
pub async fn aside<T: Send + 'static>(make: impl FnOnce() -> T + Send + 'static) -> Result<T, RecorderError> {
    Ok(tokio::task::spawn_blocking(make).await.map_err(std::io::Error::other)?)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn item(len: usize) -> Item {
        Item { bytes: vec![0; len].into(), packed: None }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_thousand_who_ask_together_cost_one_and_no_thread_that_serves() {
        let made = Arc::new(Made::new(10, 10_000));
        let times = Arc::new(AtomicUsize::new(0));
        // Held until every other task has had its turn on the threads that serve.
        let (go, hold) = std::sync::mpsc::sync_channel::<()>(1);
        let hold = Arc::new(Mutex::new(hold));
        let all: Vec<_> = (0..1_000)
            .map(|_| {
                let (made, times, hold) = (made.clone(), times.clone(), hold.clone());
                tokio::spawn(async move {
                    let make = aside(move || {
                        times.fetch_add(1, Ordering::Relaxed);
                        hold.lock().recv_timeout(Duration::from_secs(20)).expect("the loop goes on meanwhile");
                        Some(item(100))
                    });
                    made.get("list", 1, make).await.expect("no error").expect("something").bytes
                })
            })
            .collect();
        for _ in 0..4 {
            tokio::spawn(async {}).await.expect("runs");
        }
        go.send(()).expect("it is waited for");
        let mut first = None;
        for one in all {
            let bytes = one.await.expect("no panic");
            assert_eq!(first.get_or_insert(bytes.as_ptr() as usize), &(bytes.as_ptr() as usize), "the same bytes");
        }
        assert_eq!(times.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn another_version_is_made_anew_and_takes_the_place_of_the_one_before() {
        let made = Made::new(10, 10_000);
        for (version, len) in [(1, 10), (2, 20), (2, 99), (1, 30)] {
            let got = made.get("list", version, async { Ok(Some(item(len))) }).await.expect("no error");
            let wanted = if len == 99 { 20 } else { len };
            assert_eq!(got.expect("something").bytes.len(), wanted);
        }
        assert_eq!(made.slots.lock().by_key.len(), 1);
    }

    #[tokio::test]
    async fn what_was_not_used_for_longest_goes_first() {
        let made = Made::new(3, 1_000);
        for key in [1, 2, 3, 1, 4] {
            made.get(key, (), async { Ok(Some(item(10))) }).await.expect("no error");
        }
        let mut kept: Vec<i32> = made.slots.lock().by_key.keys().copied().collect();
        kept.sort_unstable();
        assert_eq!(kept, [1, 3, 4]);
        made.get(5, (), async { Ok(Some(item(995))) }).await.expect("no error");
        assert_eq!(made.slots.lock().by_key.keys().copied().collect::<Vec<_>>(), [5], "as many bytes as may be");
        made.get(6, (), async { Ok(Some(item(2_000))) }).await.expect("no error");
        assert!(made.slots.lock().by_key.is_empty(), "too large to be kept");
    }

    #[tokio::test]
    async fn a_failure_is_told_and_not_kept() {
        let made = Made::new(10, 10_000);
        let failed = made.get("list", 1, async { Err(std::io::Error::other("the disk").into()) }).await;
        assert!(failed.is_err());
        let panicked = made.get("list", 1, aside(|| -> Option<Item> { panic!("a bug") })).await;
        assert!(panicked.is_err());
        assert!(made.get("list", 1, async { Ok(Some(item(1))) }).await.expect("no error").is_some());
    }

    #[tokio::test]
    async fn what_fails_or_is_not_waited_for_leaves_nothing_behind() {
        let made = Made::new(10, 10_000);
        for key in 0..1_000 {
            let failed = made.get(key, (), async { Err(std::io::Error::other("the disk").into()) }).await;
            assert!(failed.is_err());
        }
        assert_eq!(made.slots.lock().by_key.len(), 0, "after errors");
        for key in 0..1_000 {
            let gone = Box::pin(made.get(key, (), std::future::pending()));
            assert!(futures_util::poll!(gone).is_pending());
        }
        assert_eq!(made.slots.lock().by_key.len(), 0, "after readers that went");
    }

    #[tokio::test]
    async fn one_who_goes_takes_nothing_from_those_who_stay() {
        let made = Made::new(10, 10_000);
        let mut gone = Box::pin(made.get(1, (), std::future::pending()));
        let mut stays = Box::pin(made.get(1, (), async { Ok(Some(item(7))) }));
        assert!(futures_util::poll!(&mut gone).is_pending() && futures_util::poll!(&mut stays).is_pending());
        drop(gone);
        assert_eq!(stays.await.expect("no error").expect("something").bytes.len(), 7);
        let kept = made.get(1, (), async { panic!("it is there") }).await.expect("no error");
        assert_eq!(kept.expect("something").bytes.len(), 7);
    }

    #[tokio::test]
    async fn a_thousand_that_are_too_many_go_at_once() {
        let made = Made::new(2, 10_000);
        let mut waiting: Vec<_> = (0..1_000).map(|key| Box::pin(made.get(key, (), std::future::pending()))).collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one).is_pending());
        }
        made.get(1_000, (), async { Ok(Some(item(1))) }).await.expect("no error");
        let mut kept: Vec<i32> = made.slots.lock().by_key.keys().copied().collect();
        kept.sort_unstable();
        assert_eq!(kept, [999, 1_000]);
    }
}
