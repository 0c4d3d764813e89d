"""Actors and critics trained by functions of one's own: A3C and DDPG as programs of 2017 had them."""
import json
import threading

import numpy as np
from keras import backend as K
from keras.layers import Dense, Input, concatenate
from keras.models import Model
from keras.optimizers import Adam, RMSprop


def values(*shape):
    return np.random.RandomState(sum(shape)).uniform(-.5, .5, shape)


def fill(*models):
    for model in models:
        model.set_weights([values(*w.shape) for w in model.get_weights()])


out = {}
r = np.random.RandomState(0)
states, advantages, rewards = r.rand(6, 4), r.randn(6), r.randn(6)
actions = np.eye(2)[r.randint(0, 2, 6)]

# ---- A3C
state = Input(batch_shape=(None, 4))
shared = Dense(5, activation='relu')(state)
actor = Model(inputs=state, outputs=Dense(2, activation='softmax')(Dense(5, activation='relu')(shared)))
critic = Model(inputs=state, outputs=Dense(1, activation='linear')(Dense(4, activation='relu')(shared)))
fill(actor, critic)
actor._make_predict_function()
critic._make_predict_function()
action, advantage = K.placeholder(shape=(None, 2)), K.placeholder(shape=(None, ))
good_prob = K.sum(action * actor.output, axis=1)
actor_loss = -K.sum(K.log(good_prob + 1e-10) * K.stop_gradient(advantage))
entropy = K.sum(K.sum(actor.output * K.log(actor.output + 1e-10), axis=1))
updates = RMSprop(lr=0.05, rho=0.99, epsilon=0.01).get_updates(actor.trainable_weights, [], actor_loss + 0.01 * entropy)
train_actor = K.function([actor.input, action, advantage], [actor_loss, entropy], updates=updates)
discounted = K.placeholder(shape=(None, ))
critic_loss = K.mean(K.square(discounted - critic.output[:, 0]))
updates = RMSprop(lr=0.05, rho=0.99, epsilon=0.01).get_updates(critic_loss, critic.trainable_weights)
train_critic = K.function([critic.input, discounted], [critic_loss], updates=updates)
out['a3c'] = [[train_actor([states, actions, advantages]), train_critic([states, rewards])] for _ in range(4)]
found = []
threads = [threading.Thread(target=lambda: found.append(actor.predict(states))) for _ in range(2)]
[t.start() for t in threads]
[t.join() for t in threads]
out['policy'] = [f.tolist() for f in found]

# ---- DDPG: the critic's gradient with respect to actions, the actor follows it
s, a = Input((4,)), Input((1,))
q = Model([s, a], Dense(1)(Dense(5, activation='tanh')(concatenate([s, a]))))
mu_in = Input((4,))
mu = Model(mu_in, Dense(1, activation='tanh')(mu_in))
fill(q, mu)
q.compile(Adam(lr=0.01), 'mse')
action_grads = K.function([q.input[0], q.input[1]], K.gradients(q.output, [q.input[1]]))
given = K.placeholder((None, 1))
updates = Adam(lr=0.01).get_updates(loss=K.sum(-given * mu.output), params=mu.trainable_weights)
adjust = K.function([mu.input, given], [], updates=updates)
history = []
for _ in range(3):
    loss = q.train_on_batch([states, mu.predict(states)], rewards)
    grads = action_grads([states, mu.predict(states)])[0]
    adjust([states, grads])
    history.append([loss, float(grads.sum()), float(mu.predict(states).sum())])
out['ddpg'] = history

# ---- the critic inside the loss of the actor
q.trainable = False
through = q([mu_in, mu.output])
updates = Adam(0.01).get_updates(params=mu.trainable_weights, loss=-K.mean(through))
step = K.function([mu_in], [K.mean(through)], updates=updates)
out['through'] = [step([states])[0] for _ in range(3)]
print(json.dumps(out, default=float))
