"""What the commands share: environment, stores, keys, signing, reports. Nothing here prints."""
