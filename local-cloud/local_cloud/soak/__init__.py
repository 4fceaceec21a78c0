"""`make soak`: thousands of jobs through the deployed stack while everything that may go wrong does.

`plan` says what is submitted and `chaos` what goes wrong, both chosen by one seed; `submission` submits; `truth` is
what the simulator knows; `recovery` brings back what got lost, as the stack does it; `reckoning` compares; `report`
tells; `run` puts them together.
"""
