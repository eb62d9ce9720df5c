//! Calls of the Open Inference Protocol over gRPC, as servers and clients really write them.

mod captures;
mod laws;
mod streams;
mod tensors;
mod traps;
mod world;
