//! Wait before reconnecting: exponential back-off with full jitter.

/// The bound of the first wait, in milliseconds; every further failure doubles it.
pub const BASE_MS: u64 = 300;
/// Maximum wait, in milliseconds.
pub const CAP_MS: u64 = 15_000;

/// Full jitter: `random(0, min(15 s, 0.3 s · 2^n))`. When a server restarts, everybody is cut off in the same
/// moment; only waits that are random from zero on keep them from coming back in the same moment too.
#[derive(Clone, Debug)]
pub struct Backoff {
    failures: u32,
    entropy: u64,
}

impl Backoff {
    /// Starts without failures. All its randomness comes from `entropy`, so two pages must not be given the same.
    #[must_use]
    pub fn new(entropy: u64) -> Self {
        Self { failures: 0, entropy }
    }

    /// The wait after one more failure, in milliseconds.
    pub fn next_delay(&mut self) -> u64 {
        let bound = bound(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.random_up_to(bound)
    }

    /// Forgets the failures: what caused them is over.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// A number from 0 to `bound`, both included.
    pub fn random_up_to(&mut self, bound: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014). The bias of the remainder is below 2^-49 for these bounds.
        self.entropy = self.entropy.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.entropy;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound.saturating_add(1)
    }
}

/// The longest wait after this many earlier failures, in milliseconds.
#[must_use]
pub fn bound(failures: u32) -> u64 {
    // 0.3 s doubled six times is above the cap; a larger shift would only overflow.
    CAP_MS.min(BASE_MS << failures.min(16))
}
