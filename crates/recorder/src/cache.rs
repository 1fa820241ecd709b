//! A small cache by bytes: the least recently used entry goes first.

use std::collections::HashMap;
use std::hash::Hash;

use parking_lot::Mutex;

#[derive(Debug)]
struct Slot<V> {
    value: V,
    cost: usize,
    used: u64,
}

#[derive(Debug)]
struct Slots<K, V> {
    map: HashMap<K, Slot<V>>,
    cost: usize,
    clock: u64,
}

/// Keeps values until their costs add up to more than the budget.
#[derive(Debug)]
pub(crate) struct Cache<K, V> {
    slots: Mutex<Slots<K, V>>,
    cost_max: usize,
}

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    pub(crate) fn new(cost_max: usize) -> Self {
        Self { slots: Mutex::new(Slots { map: HashMap::new(), cost: 0, clock: 0 }), cost_max }
    }

    pub(crate) fn get(&self, key: &K) -> Option<V> {
        let mut slots = self.slots.lock();
        slots.clock += 1;
        let clock = slots.clock;
        let slot = slots.map.get_mut(key)?;
        slot.used = clock;
        Some(slot.value.clone())
    }

    /// Keeps the value, unless it alone exceeds the budget.
    pub(crate) fn put(&self, key: K, value: V, cost: usize) {
        if cost > self.cost_max {
            return;
        }
        let mut slots = self.slots.lock();
        slots.clock += 1;
        let used = slots.clock;
        if let Some(old) = slots.map.insert(key, Slot { value, cost, used }) {
            slots.cost -= old.cost;
        }
        slots.cost += cost;
        while slots.cost > self.cost_max {
            // Entries are segments, heads and indexes: some hundreds, so looking at all of them is cheap enough.
            let Some(oldest) = slots.map.iter().min_by_key(|(_, slot)| slot.used).map(|(key, _)| key.clone()) else {
                break;
            };
            if let Some(gone) = slots.map.remove(&oldest) {
                slots.cost -= gone.cost;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_holds_and_what_was_used_last_stays() {
        let cache = Cache::new(100);
        for n in 0..5 {
            cache.put(n, n, 20);
        }
        assert_eq!(cache.get(&0), Some(0));
        cache.put(5, 5, 30);
        assert_eq!([cache.get(&0), cache.get(&1), cache.get(&2), cache.get(&5)], [Some(0), None, None, Some(5)]);
        cache.put(6, 6, 101);
        assert_eq!(cache.get(&6), None);
        assert!(cache.slots.lock().cost <= 100);
    }

    #[test]
    fn replacing_a_value_counts_it_once() {
        let cache = Cache::new(100);
        for _ in 0..50 {
            cache.put(1, (), 60);
        }
        assert_eq!(cache.slots.lock().cost, 60);
    }
}
