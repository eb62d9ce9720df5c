//! Data files as they come: every format and codec gives the same rows, and what is wrong is said
//! in a sentence that names the file and the place.

mod columns;
mod damage;
mod formats;
mod parquet_types;
mod samples;
mod vectors;
