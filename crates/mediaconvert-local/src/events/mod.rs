//! Events of jobs: what they are, how they reach the bus, and what may happen to them on the way.

mod bus;
mod event;
mod faults;
mod log;

pub(crate) use bus::EventBus;
pub(crate) use event::JobEvent;
pub(crate) use faults::EventFaults;
pub(crate) use log::EventLog;
