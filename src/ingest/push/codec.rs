//! Messages in as the bytes that they are, messages out as protobuf.

use std::marker::PhantomData;

use bytes::{Buf, Bytes};
use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Messages up to this size are copied. The buffer that they arrive in is at least 8 KiB, and a slice
/// that is kept would keep all of it.
const COPY_BELOW: usize = 16 << 10;

/// A codec that leaves decoding to the handler, which can then count and explain what cannot be
/// decoded. `Out` is the type of the answers.
#[derive(Debug)]
pub struct RawCodec<Out>(PhantomData<Out>);

impl<Out> Default for RawCodec<Out> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<Out: Message + 'static> Codec for RawCodec<Out> {
    type Encode = Out;
    type Decode = Bytes;
    type Encoder = ProtoEncoder<Out>;
    type Decoder = RawDecoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProtoEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        RawDecoder
    }
}

/// Writes messages as protobuf.
#[derive(Debug)]
pub struct ProtoEncoder<Out>(PhantomData<Out>);

impl<Out: Message> Encoder for ProtoEncoder<Out> {
    type Item = Out;
    type Error = Status;

    fn encode(&mut self, item: Out, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(into)
            .map_err(|error| Status::internal(format!("the answer has no room: {error}")))
    }
}

/// Passes the bytes of each message on.
#[derive(Debug)]
pub struct RawDecoder;

impl Decoder for RawDecoder {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let message = from.copy_to_bytes(from.remaining());
        Ok(Some(if message.len() <= COPY_BELOW {
            Bytes::copy_from_slice(&message)
        } else {
            message
        }))
    }
}
