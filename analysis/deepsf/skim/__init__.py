"""From one NanoAOD file to tables of tag-probe entries and of jets."""
