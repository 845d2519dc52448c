"""What people see: pages, routes, settings, command line."""
