//! State of connections and processes in the kernel, from `/proc` (Linux).

use std::time::Duration;

/// Bytes that the server has sent and the client's kernel has not acknowledged.
pub fn unsent(server: u16, client: u16) -> u64 {
    let held = |fields: Vec<String>| u64::from_str_radix(fields[4].split_once(':')?.0, 16).ok();
    lines(server, client).into_iter().filter_map(held).sum()
}

/// True if the connection is still established at the server's end.
pub fn is_open(server: u16, client: u16) -> bool {
    const ESTABLISHED: &str = "01";
    lines(server, client).iter().any(|fields| fields[3] == ESTABLISHED)
}

/// Fields of the server's end: number, local address, remote address, state, queues, and more.
fn lines(server: u16, client: u16) -> Vec<Vec<String>> {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("a table of connections");
    let (local, remote) = (format!(":{server:04X}"), format!(":{client:04X}"));
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
