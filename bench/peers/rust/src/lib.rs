//! What the drivers have in common: one request a line on standard input, one line of JSON on standard output.

use std::io::{BufRead, Write};
use std::time::Instant;

/// One figure: metric, unit, value, number of operations.
pub struct Measurement(pub &'static str, pub &'static str, pub f64, pub u64);

/// Answers every line of standard input. A request is words; the answer is measurements or an error.
pub fn serve(mut answer: impl FnMut(&[&str]) -> Result<Vec<Measurement>, String>) {
    let stdout = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input");
        let words: Vec<&str> = line.split_whitespace().collect();
        let text = match answer(&words) {
            Ok(all) => format!("[{}]", all.iter().map(json).collect::<Vec<_>>().join(",")),
            Err(e) => format!("{{\"error\":{e:?}}}"),
        };
        let mut out = stdout.lock();
        writeln!(out, "{text}").and_then(|()| out.flush()).expect("standard output");
    }
}

fn json(m: &Measurement) -> String {
    format!("{{\"metric\":\"{}\",\"unit\":\"{}\",\"value\":{},\"n\":{}}}", m.0, m.1, m.2, m.3)
}

/// Mean time of n operations in a row.
pub fn timed(n: u64, mut operation: impl FnMut(u64)) -> Vec<Measurement> {
    let start = Instant::now();
    for i in 0..n {
        operation(i);
    }
    vec![Measurement("time", "ns/op", start.elapsed().as_nanos() as f64 / n as f64, n)]
}

/// The number at a place of the request.
pub fn number(words: &[&str], at: usize) -> Result<u64, String> {
    words.get(at).and_then(|w| w.parse().ok()).ok_or_else(|| format!("word {at} of {words:?} is no number"))
}
