"""A simulation of the shop: the real deciders and reactions under a seeded random schedule.

Simulated are only the bus, the queues, the streams, the stores, the card gateway and the clock; checkout, payment,
cancellation, every reaction and the relay are the shop's own. What may happen between two steps of the real shop may
happen here: duplicates of any age, any order of delivery, days of delay, crashes, throttles, lost answers, lost races,
and shoppers who change their cart, pay, choose again and cancel at any moment. After the random steps the faults end
and everything is delivered; what must then be true stands in `invariants`.

    python -m tests.simulation --schedules 100000        many schedules, on all cores
    python -m tests.simulation --first 10000             from another seed on
    python -m tests.simulation --seed 4711               one schedule: its whole trace, the shortest where it fails
"""
