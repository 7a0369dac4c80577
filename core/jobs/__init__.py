"""Training runs that go on by themselves, in processes of their own: kept in folders, queued for the devices."""
