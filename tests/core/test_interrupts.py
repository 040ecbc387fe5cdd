"""Ctrl-C while modules are imported ends the import first, and then the program."""

import signal
import threading

import pytest

from workshop_utils.core import interrupts


@pytest.fixture(autouse=True)
def pythons_own_handler():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def press_ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def test_ctrl_c_is_raised_at_the_end():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts.held_back():
        press_ctrl_c()
        done.append("import")
    assert done == ["import"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_error_within_is_raised_and_ctrl_c_works_again():
    with pytest.raises(ImportError), interrupts.held_back():
        raise ImportError
    with pytest.raises(KeyboardInterrupt):
        press_ctrl_c()


def test_another_handler_stays_in_charge():
    received = []
    signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    with interrupts.held_back():
        press_ctrl_c()
        assert received == [signal.SIGINT]


def test_another_thread_is_left_alone():
    entered = []

    def enter():
        with interrupts.held_back():
            entered.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert entered == [signal.default_int_handler]
