"""Moving a store from one place to another, on either engine: all tables, checked, and gone on with later."""
