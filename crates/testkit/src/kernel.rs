//! State of connections and processes in the kernel, from `/proc` (Linux).

use std::time::Duration;

/// Bytes that the server has sent and the client's kernel has not acknowledged.
pub fn unsent(server: u16, client: u16) -> u64 {
    queues(server, client).0
}

/// Bytes that the client has written and the server has not read.
pub fn unread(server: u16, client: u16) -> u64 {
    queues(client, server).0 + queues(server, client).1
}

/// Bytes that an end has sent without being acknowledged, and that it has received and not read.
fn queues(end: u16, peer: u16) -> (u64, u64) {
    let held = |fields: Vec<String>| {
        let (sent, received) = fields[4].split_once(':')?;
        Some((u64::from_str_radix(sent, 16).ok()?, u64::from_str_radix(received, 16).ok()?))
    };
    lines(end, peer).into_iter().find_map(held).unwrap_or_default()
}

/// True if the connection is still established at the server's end.
pub fn is_open(server: u16, client: u16) -> bool {
    const ESTABLISHED: &str = "01";
    lines(server, client).iter().any(|fields| fields[3] == ESTABLISHED)
}

/// Fields of an end: number, local address, remote address, state, queues, and more.
fn lines(end: u16, peer: u16) -> Vec<Vec<String>> {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("a table of connections");
    let (local, remote) = (format!(":{end:04X}"), format!(":{peer:04X}"));
    table
        .lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter(|fields| fields.len() > 4 && fields[1].ends_with(&local) && fields[2].ends_with(&remote))
        .collect()
}

/// Resident memory of a process in kilobytes.
pub fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process that lives");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Number of a process's open descriptors.
pub fn descriptors(pid: u32) -> usize {
    std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process that lives").count()
}

/// Processor time of these processes in user and kernel mode. The kernel counts in hundredths of a second.
pub fn cpu_time(pids: &[u32]) -> Duration {
    let ticks = |pid: &u32| -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process that lives");
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let fields: Vec<_> = fields.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    Duration::from_millis(pids.iter().map(ticks).sum::<u64>() * 10)
}
