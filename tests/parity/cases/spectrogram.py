"""Sounds as spectra."""

KERAS3 = [
    *[('STFTSpectrogram', {'mode': mode, 'frame_length': 8, 'frame_step': 6}, (2, 20, 1), options) for mode in (
        'log', 'magnitude', 'psd', 'real', 'imag', 'angle', 'stft') for options in ({}, {'keep': True})
      if mode != 'angle' or not options],      # of half a turn the sign is that of a rounding error
    ('STFTSpectrogram', {'mode': 'log', 'frame_length': 6, 'fft_length': 8, 'padding': 'same', 'window': 'hamming',
                         'scaling': 'spectrum', 'periodic': True}, (2, 13, 2), {'keep': True}),
    ('STFTSpectrogram', {'mode': 'psd', 'frame_length': 5, 'expand_dims': True, 'window': None, 'fft_length': 8}, (2, 13, 2),
     {'keep': True}),
    ('STFTSpectrogram', {'mode': 'stft', 'frame_length': 4, 'expand_dims': True, 'scaling': None,
                         'window': [1.0, 2.0, 3.0, 0.5], 'data_format': 'channels_last'}, (2, 9, 2), {'keep': True}),
    *[('STFTSpectrogram', {'mode': 'real', 'frame_length': 9, 'window': window, 'periodic': periodic}, (1, 12, 1),
       {'keep': True})
      for window in ('hann', 'hamming', 'blackman', 'blackmanharris', 'nuttall', 'flattop', 'boxcar', 'bartlett', 'cosine')
      for periodic in (False, True)],
    *[('MelSpectrogram', {'fft_length': 32, 'sequence_stride': 16, 'num_mel_bins': 5, 'min_freq': 100.0, **kwargs}, (2, 64),
       {'rtol': 5e-5}) for kwargs in (
        {}, {'sequence_length': 20, 'window': 'hamming'}, {'mag_exp': 1.0, 'power_to_db': False},
        {'top_db': 10.0, 'ref_power': 2.0},
        {'sampling_rate': 8000, 'max_freq': 3000.0, 'min_power': 1e-3})],
    ('MelSpectrogram', {'fft_length': 16, 'sequence_stride': 8, 'num_mel_bins': 4, 'min_freq': 100.0}, (33,), {'rtol': 5e-5}),
]
