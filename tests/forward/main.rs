//! The forwarding proxy over real sockets: what a client sees through it is what it would see without.

mod model_server;
mod proxy;
mod wire;

mod captures;
mod grpc;
mod http1;
mod many;
mod seen;
mod shutdown;
mod streams;
mod unavailable;
