"""Small-angle scattering of X-rays and neutrons."""
