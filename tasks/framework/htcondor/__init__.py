"""HTCondor as this project needs it: the queue is the truth, whatever fails is submitted again, nothing runs twice.

law keeps the ids of its jobs in a file. It writes that file after the submission, once for each selection of branches,
and it knows nothing about jobs of an earlier configuration. So every job carries class ads that name the output folder,
the configuration and the branches that it works for, and each start of a workflow asks the queue (`adoption`).
"""
