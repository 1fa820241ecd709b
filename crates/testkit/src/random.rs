//! Seeded pseudo-randomness (SplitMix64, Steele et al. 2014): the same seed gives the same run on every machine.

/// A generator of reproducible numbers. Not for secrets.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Environment variable that overrides the seed of [`Random::for_test`], decimal or `0x` hexadecimal.
    pub const SEED_VARIABLE: &str = "TESTKIT_SEED";

    /// A generator that starts from `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator for a test: `seed`, or the one in `TESTKIT_SEED`. Prints it, so that a failed run names its seed.
    #[must_use]
    pub fn for_test(name: &str, seed: u64) -> Self {
        let seed = std::env::var(Self::SEED_VARIABLE).ok().and_then(|text| parse_seed(&text)).unwrap_or(seed);
        eprintln!("{name}: seed {seed:#x} (set {} to repeat)", Self::SEED_VARIABLE);
        Self::new(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`; 0 when `bound` is 0. The bias of the reduction is below 2^-32 for bounds below 2^32.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64 }
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below((high - low).saturating_add(1))
    }

    /// True in `per_million` of a million cases.
    pub fn chance(&mut self, per_million: u32) -> bool {
        self.below(1_000_000) < u64::from(per_million)
    }

    /// Fills `out` with random bytes.
    pub fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
    }

    /// One of `items`.
    ///
    /// # Panics
    /// When `items` is empty.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

fn parse_seed(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            [random.next_u64(), random.below(1_000), random.between(5, 9)]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        // First output of SplitMix64 for seed 1234567, as published with the algorithm's reference code.
        assert_eq!(Random::new(1_234_567).next_u64(), 6_457_827_717_110_365_317);
    }

    #[test]
    fn numbers_stay_in_their_range_and_reach_both_ends() {
        let mut random = Random::new(1);
        let drawn: Vec<u64> = (0..1_000).map(|_| random.between(3, 6)).collect();
        assert!(drawn.iter().all(|n| (3..=6).contains(n)));
        assert!((3..=6).all(|n| drawn.contains(&n)));
        assert_eq!(random.below(0), 0);
        assert_eq!((0..1_000).filter(|_| random.chance(1_000_000)).count(), 1_000);
        assert_eq!((0..1_000).filter(|_| random.chance(0)).count(), 0);
    }

    #[test]
    fn a_seed_reads_as_decimal_or_hexadecimal() {
        assert_eq!(parse_seed("42"), Some(42));
        assert_eq!(parse_seed("0x2a"), Some(42));
        assert_eq!(parse_seed("x"), None);
    }

    #[test]
    fn fill_reaches_every_byte_of_an_odd_length() {
        let mut bytes = [0u8; 13];
        let mut random = Random::new(3);
        let mut touched = [false; 13];
        for _ in 0..20 {
            random.fill(&mut bytes);
            for (at, byte) in bytes.iter().enumerate() {
                touched[at] |= *byte != 0;
            }
        }
        assert!(touched.iter().all(|t| *t));
        assert!([1, 2, 3].contains(random.pick(&[1, 2, 3])));
    }
}
