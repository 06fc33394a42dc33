mod cleanup;
mod fake;
mod trail;
