//! How much one request may bring.

/// Bounds on what a source sends; beyond them it is refused with a reason, or cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message.
    pub message_bytes: usize,
    /// Bytes of the queue and of all messages that arrive or are decoded, together; a larger message
    /// is never read.
    pub buffer_bytes: usize,
    /// Bytes of memory that the strings and numbers of one message may take once decoded, beside the
    /// message itself: two bytes on the wire can ask for hundreds.
    pub decoded_bytes: usize,
    /// Rows, and calls, of one batch.
    pub batch_rows: usize,
    /// Fields of one schema.
    pub fields: usize,
    /// Bytes of a name; longer ones are cut and end in a hash. At most
    /// [`MAX_NAME_BYTES`](crate::batch::MAX_NAME_BYTES).
    pub name_bytes: usize,
    /// Bytes of one string value; a longer one counts as invalid.
    pub string_bytes: usize,
    /// Elements per row of one vector field.
    pub width: usize,
    /// Calls and streams at once on one connection.
    pub concurrent_streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 16 << 20,
            buffer_bytes: 9 << 20,
            decoded_bytes: 8 << 20,
            batch_rows: 65_536,
            fields: 2_000,
            name_bytes: crate::batch::MAX_NAME_BYTES,
            string_bytes: 4_096,
            width: 65_536,
            concurrent_streams: 128,
        }
    }
}
