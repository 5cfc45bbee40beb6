//! The crate pingora-limits on the keys of its own benchmark: u32, uniform below one million. Requests:
//!
//! * `estimator THREADS N`: Estimator::new(3, 1024), N increments by each thread
//! * `inflight THREADS N`: begin and end of N requests by each thread
//! * `rate THREADS N`: N observed events by each thread

use headgate_bench_peers::{number, serve, Measurement};
use pingora_limits::{estimator::Estimator, inflight::Inflight, rate::Rate};
use std::time::{Duration, Instant};

const ITEMS: u64 = 1_000_000;

/// The keys' generator, splitmix64, is headgate's side's, too.
struct Keys(u64);

impl Keys {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ (z >> 31)) >> 32) * ITEMS >> 32) as u32
    }
}

fn main() {
    let estimator = Estimator::new(3, 1024);
    let inflight = Inflight::new();
    let rate = Rate::new(Duration::from_secs(1));
    serve(|words| {
        let (threads, n) = (number(words, 1)?, number(words, 2)?);
        match words[0] {
            "estimator" => Ok(run(threads, n, |key| {
                estimator.incr(key, 1);
            })),
            "inflight" => Ok(run(threads, n, |key| {
                let _guard = inflight.incr(key, 1);
            })),
            "rate" => Ok(run(threads, n, |key| {
                rate.observe(&key, 1);
            })),
            _ => Err(format!("unknown request {words:?}")),
        }
    });
}

/// Wall-clock time for one operation of one thread.
fn run(threads: u64, n: u64, operation: impl Fn(u32) + Sync) -> Vec<Measurement> {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let operation = &operation;
            scope.spawn(move || {
                let mut keys = Keys(thread << 32);
                for _ in 0..n {
                    operation(keys.next());
                }
            });
        }
    });
    vec![Measurement("time", "ns/op", start.elapsed().as_nanos() as f64 / n as f64, threads * n)]
}
