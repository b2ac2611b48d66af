"""What people touch: adapters, handlers, people, the command line."""
