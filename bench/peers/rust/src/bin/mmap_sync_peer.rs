//! The crate mmap-sync, on the same payloads as headgate's mmapsync. Started with the path of its files; requests:
//!
//! * `read unchecked|checked N`: reads of a value of 36 bytes, one of its fields looked at
//! * `publish BYTES N`: write_raw of ready bytes; `BYTES` is 36, 4096 or 1048576
//! * `serialise KEYS N`: write of a hash map from u64 to 32 floats, whole, as a service without in-place updates publishes it

use bytecheck::CheckBytes;
use headgate_bench_peers::{number, serve, timed, Measurement};
use mmap_sync::synchronizer::Synchronizer;
use rkyv::{Archive, Deserialize, Serialize};
use std::collections::HashMap;
use std::hint::black_box;
use std::time::Duration;

/// 36 bytes when archived.
#[derive(Archive, Deserialize, Serialize)]
#[archive_attr(derive(CheckBytes))]
struct Small {
    version: u32,
    words: [u32; 8],
}

#[derive(Archive, Deserialize, Serialize)]
#[archive_attr(derive(CheckBytes))]
struct Table {
    rows: HashMap<u64, [f32; 32]>,
}

/// How long the crate waits for readers before it overwrites; there are none while it writes.
const GRACE: Duration = Duration::from_nanos(10);

struct Peer {
    path: String,
    small: Synchronizer,
    table: Option<(u64, Table)>,
}

fn main() {
    let path = std::env::args().nth(1).expect("usage: mmap_sync_peer PATH");
    let mut peer = Peer { small: Synchronizer::new(path.as_ref()), path, table: None };
    let bytes = rkyv::to_bytes::<_, 256>(&Small { version: 7, words: [1; 8] }).expect("serialise");
    assert_eq!(bytes.len(), 36);
    peer.small.write_raw::<Small>(&bytes, GRACE).expect("first write");
    serve(|words| peer.answer(words, &bytes));
}

impl Peer {
    fn answer(&mut self, words: &[&str], small: &[u8]) -> Result<Vec<Measurement>, String> {
        match words.first().copied() {
            Some("read") => self.read(words.get(1) == Some(&"checked"), number(words, 2)?),
            Some("publish") => self.publish(number(words, 1)? as usize, number(words, 2)?, small),
            Some("serialise") => self.serialise(number(words, 1)?, number(words, 2)?),
            _ => Err(format!("unknown request {words:?}")),
        }
    }

    fn read(&mut self, checked: bool, n: u64) -> Result<Vec<Measurement>, String> {
        Ok(timed(n, |_| {
            let value = unsafe { self.small.read::<Small>(checked) }.expect("read");
            assert_eq!(black_box(value.version), 7);
        }))
    }

    fn publish(&mut self, size: usize, n: u64, small: &[u8]) -> Result<Vec<Measurement>, String> {
        if size == small.len() {
            return Ok(timed(n, |_| {
                self.small.write_raw::<Small>(black_box(small), GRACE).expect("write");
            }));
        }
        let bytes = vec![1u8; size];
        let mut s = Synchronizer::new(format!("{}-{size}", self.path).as_ref());
        s.write_raw::<Small>(&bytes, GRACE).map_err(|e| e.to_string())?;
        Ok(timed(n, |_| {
            s.write_raw::<Small>(black_box(&bytes), GRACE).expect("write");
        }))
    }

    fn serialise(&mut self, keys: u64, n: u64) -> Result<Vec<Measurement>, String> {
        if self.table.as_ref().map(|t| t.0) != Some(keys) {
            let mut rows = HashMap::with_capacity(keys as usize);
            for k in 0..keys {
                rows.insert(k.wrapping_mul(0x9e37_79b9_7f4a_7c15), [k as f32; 32]);
            }
            self.table = Some((keys, Table { rows }));
        }
        let table = &self.table.as_ref().expect("made above").1;
        let mut s = Synchronizer::new(format!("{}-table", self.path).as_ref());
        s.write(table, GRACE).map_err(|e| e.to_string())?;
        Ok(timed(n, |_| {
            s.write(table, GRACE).expect("write");
        }))
    }
}
