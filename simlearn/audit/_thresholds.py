from simlearn.audit._measure import Threshold

THRESHOLDS: dict[str, Threshold] = {}
