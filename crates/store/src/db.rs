//! Repositories in a database. SQLite today; the SQL and the schema keep to what PostgreSQL takes as well.

pub mod sqlite;
