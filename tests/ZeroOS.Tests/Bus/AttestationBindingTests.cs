using ZeroOS.Bus.Keys;

namespace ZeroOS.Tests.Bus;

public sealed class AttestationBindingTests
{
    // The public key of RFC 8032, 7.1, test 1; the digests are those that Python's hashlib gives.
    private static readonly KeyId s_node = KeyId.FromPublicKey(Convert.FromHexString("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"));

    [Theory]
    [InlineData(true, "5be587568d72a39ee33ea8537e8b24ae1fedc7964c5d72b7de951cf46f936602")]
    [InlineData(false, "fd3215dc92bacc24f9418ff45c8cb1a1878b50c74e07e861d3a00c9a6ccedb09")]
    public void What_is_bound_has_the_digest_that_others_compute(bool identitySealed, string digest) =>
        Assert.Equal(digest, Convert.ToHexStringLower(AttestationBinding.Compute(Of(1, 32), s_node, Of(2, 16), Of(3, 32), identitySealed, "settings"u8)));

    [Fact]
    public void A_part_of_another_length_is_never_bound()
    {
        Assert.Throws<ArgumentException>(() => AttestationBinding.Compute(Of(1, 31), s_node, Of(2, 16), Of(3, 32), true, default));
        Assert.Throws<ArgumentException>(() => AttestationBinding.Compute(Of(1, 32), s_node, Of(2, 17), Of(3, 32), true, default));
        Assert.Throws<ArgumentException>(() => AttestationBinding.Compute(Of(1, 32), s_node, Of(2, 16), Of(3, 33), true, default));
    }

    private static byte[] Of(byte value, int count) => [.. Enumerable.Repeat(value, count)];
}
