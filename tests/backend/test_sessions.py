import threading
import time

import numpy as np
import pytest

import fastkeras as keras
from fastkeras import backend as K
from fastkeras import config
from fastkeras.backend import sessions
from fastkeras.backend import tensorflow_backend as tf


@pytest.fixture(autouse=True)
def as_before():
    threads = config.get_num_threads()
    yield
    config.set_num_threads(threads)
    config.set_concurrent_runs(None)
    sessions._current.update(session=None, warned=False)


def test_a_session_sets_the_threads():
    made = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1, allow_soft_placement=True,
                          device_count={'CPU': 1})
    session = tf.Session(config=made)
    K.set_session(session)
    assert (config.get_num_threads(), config.concurrent_runs()) == (1, 1)
    assert K.get_session() is session
    K.set_session(tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=2)))
    assert (config.get_num_threads(), config.concurrent_runs()) == (2, None)


def test_options_of_gpus_warn_once():
    options = tf.GPUOptions(allow_growth=True)
    options.per_process_gpu_memory_fraction = 0.5
    options.visible_device_list = '0'
    session = tf.Session(config=tf.ConfigProto(gpu_options=options))
    with pytest.warns(UserWarning, match='there is no GPU') as found:
        K.set_session(session)
        K.set_session(session)
    assert len(found) == 1
    other = tf.ConfigProto()
    other.gpu_options.allow_growth = True
    assert other.gpu_options.allow_growth is True and tf.ConfigProto().gpu_options.allow_growth is False


def test_a_session_runs_symbols():
    x, v = K.placeholder((None, 2)), K.variable([1.0, 2.0])
    with tf.Session() as session:
        got = session.run([K.sum(x * v), {'v': v}], feed_dict={x: [[1.0, 1.0], [2.0, 0.0]]})
        assert float(got[0]) == 5.0 and got[1]['v'].tolist() == [1.0, 2.0]
        assert float(session.run(K.sum(v))) == 3.0
        with pytest.raises(TypeError, match='invalid type'):
            session.run('v')


def test_clearing_lets_go_of_what_a_session_compiled():
    session = K.get_session()
    x = K.constant(2.0) * K.constant(3.0)
    assert float(session.run(x)) == 6.0 and len(session._functions) == 1
    K.clear_session()
    assert len(session._functions) == 0 and float(session.run(x)) == 6.0


def test_what_no_session_takes():
    with pytest.raises(ValueError, match='has no "threads" field'):
        tf.ConfigProto(threads=3)
    with pytest.raises(AttributeError, match='intra_op'):
        tf.ConfigProto().threads = 3
    with pytest.raises(TypeError, match='expected a Session'):
        K.set_session(None)
    with pytest.raises(ValueError, match='whole number'):
        K.set_session(tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=-1)))


@pytest.mark.parametrize('bound', [1, 2])
def test_no_more_runs_than_allowed_go_on_at_a_time(bound):
    """A step of the host tells how many runs are inside it."""
    inside, most, lock = [0], [0], threading.Lock()

    def count(x):
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        with lock:
            inside[0] -= 1
        return x

    from fastkeras.ops.on_host import on_host
    function = keras.runtime.Function(lambda x: on_host([x], count, x.shape, x.dtype) + 1)
    config.set_concurrent_runs(bound)
    threads = [threading.Thread(target=function, args=(np.ones(3, 'float32'),)) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
    assert most[0] == bound


def test_a_run_inside_a_run_does_not_wait_for_itself():
    from fastkeras.ops.on_host import on_host
    config.set_concurrent_runs(1)
    inner = keras.runtime.Function(lambda x: x * 2)
    outer = keras.runtime.Function(lambda x: on_host([x], lambda a: inner(a), x.shape, x.dtype))
    assert outer(np.ones(2, 'float32')).tolist() == [2.0, 2.0]
    with pytest.raises(ValueError, match='set_concurrent_runs'):
        config.set_concurrent_runs(0)
