"""What may stand in a VM's way: a catalogue of checks, each with an id, a weight, evidence and what to do."""
