//! End-to-end tests of the whole stack on the local cloud.
