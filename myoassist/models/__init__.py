"""Body, device and ground become one compiled model."""
