"""The same map as a competent engineer would write it with the usual tools: what ours is measured beside."""
