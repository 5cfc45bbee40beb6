//! Makes the requests of a plan with one of Rust's HTTP libraries: zoo LIBRARY PLAN.
use serde::Deserialize;
use std::{env, fs, thread::sleep, time::Duration};

#[derive(Deserialize)]
struct Step {
    url: String,
    method: String,
    #[serde(default)]
    body: String,
    header: Option<Vec<(String, String)>>,
    wait: f64,
}

fn main() {
    let args: Vec<String> = env::args().collect();
    let plan: Vec<Step> = serde_json::from_str(&fs::read_to_string(&args[2]).unwrap()).unwrap();
    let client = reqwest::blocking::Client::new();
    let agent = ureq::AgentBuilder::new().build();
    for s in &plan {
        sleep(Duration::from_secs_f64(s.wait));
        let empty = Vec::new();
        let header = s.header.as_ref().unwrap_or(&empty);
        if args[1] == "reqwest" {
            let mut r = client.request(s.method.parse().unwrap(), &s.url);
            for (name, value) in header {
                r = r.header(name, value);
            }
            if !s.body.is_empty() {
                r = r.body(s.body.clone());
            }
            if let Err(e) = r.send().and_then(|a| a.bytes()) {
                println!("{} {}", s.url, e);
            }
            continue;
        }
        let mut r = agent.request(&s.method, &s.url);
        for (name, value) in header {
            r = r.set(name, value);
        }
        let answer = if s.body.is_empty() { r.call() } else { r.send_string(&s.body) };
        match answer {
            Ok(a) | Err(ureq::Error::Status(_, a)) => drop(a.into_string()),
            Err(e) => println!("{} {}", s.url, e),
        }
    }
}
