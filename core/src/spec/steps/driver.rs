//! How executors and the driver find each other.

use std::net::Ipv6Addr;

use super::SpecError;
use crate::conf::{Conf, keys};

/// On Kubernetes an executor's ports have these defaults, elsewhere in Spark 0.
const DEFAULT_DRIVER_PORT: i32 = 7078;
const DEFAULT_BLOCK_MANAGER_PORT: i32 = 7079;

/// `None` for port 0, which means any and cannot be a container port.
pub(super) fn block_manager_port(conf: &Conf) -> Result<Option<i32>, SpecError> {
    let port = if conf.is_set(&keys::BLOCK_MANAGER_PORT) {
        conf.get(&keys::BLOCK_MANAGER_PORT)?
    } else {
        DEFAULT_BLOCK_MANAGER_PORT
    };
    match port {
        0 => Ok(None),
        1024..65536 => Ok(Some(port)),
        _ => Err(SpecError::BlockManagerPort { port }),
    }
}

pub(super) fn driver_url(conf: &Conf) -> Result<String, SpecError> {
    let host = if conf.get(&keys::EXECUTOR_USE_DRIVER_POD_IP)? {
        conf.get(&keys::DRIVER_BIND_ADDRESS)?
    } else {
        conf.get(&keys::DRIVER_HOST)?
    };
    let host = host.ok_or(SpecError::MissingDriverHost)?;
    let port = if conf.is_set(&keys::DRIVER_PORT) {
        conf.get(&keys::DRIVER_PORT)?
    } else {
        DEFAULT_DRIVER_PORT
    };
    Ok(format!(
        "spark://CoarseGrainedScheduler@{}:{port}",
        normalized(host)?
    ))
}

/// An IPv6 address in brackets and in its shortest form, where it consists of digits and colons: stock does not see
/// others and leaves them as they are. Spark puts brackets around its own address before anybody sees it.
fn normalized(host: String) -> Result<String, SpecError> {
    let address = host.strip_prefix('[').unwrap_or(&host);
    let address = address.strip_suffix(']').unwrap_or(address);
    let is_seen = address.contains(':') && !address.contains(|c: char| !c.is_ascii_digit() && c != ':');
    if !is_seen || address == ":" {
        return Ok(host);
    }
    match address.parse::<Ipv6Addr>() {
        Ok(address) => Ok(format!("[{address}]")),
        Err(_) => Err(SpecError::DriverHost { host }),
    }
}
