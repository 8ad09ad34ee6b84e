using System.Numerics;

using Xunit;

using ZeroOS.Bus.Keys;
using ZeroOS.Bus.Sodium;

namespace ZeroOS.Tests.Bus;

public sealed class KeyTests
{
    // RFC 8032, section 7.1, TEST 1 to 3.
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void Rfc_8032_vectors_sign_and_verify(string seed, string publicKey, string message, string signature)
    {
        using IdentityKey key = IdentityKey.FromSeed(Convert.FromHexString(seed));
        byte[] text = Convert.FromHexString(message);
        Assert.Equal(publicKey, Convert.ToHexStringLower(key.Id.Bytes));
        Assert.Equal(signature, Convert.ToHexStringLower(key.Sign(text)));
        Assert.True(key.Id.Verifies(text, Convert.FromHexString(signature)));
        Assert.False(key.Id.Verifies([.. text, 0], Convert.FromHexString(signature)));
    }

    [Theory]
    [InlineData("0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("0100000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    [InlineData("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")]
    [InlineData("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")]
    [InlineData("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]
    public void A_small_order_or_non_canonical_key_is_no_key_id(string hex)
    {
        byte[] bytes = Convert.FromHexString(hex);
        Assert.False(KeyId.TryParse(Base58.Encode(bytes), out _));
        Assert.Throws<ArgumentException>(() => KeyId.FromPublicKey(bytes));
    }

    [Fact]
    public void Base58_agrees_with_big_integer_arithmetic()
    {
        Random random = new(58);
        for (int i = 0; i < 500; i++)
        {
            byte[] value = new byte[32];
            random.NextBytes(value);
            value.AsSpan(0, random.Next(4)).Clear();
            string text = Base58.Encode(value);
            Assert.Equal(ByBigInteger(value), text);
            byte[] back = new byte[32];
            Assert.True(Base58.TryDecode(text, back));
            Assert.Equal(value, back);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("0")]
    [InlineData("l")]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    [InlineData("1111111111111111111111111111111111111111111111111111")]
    public void Text_that_is_not_32_bytes_of_base58_is_refused(string text) => Assert.False(Base58.TryDecode(text, new byte[32]));

    [Fact]
    public void A_key_id_has_one_text_only()
    {
        string text = IdentityKey.FromSeed(new byte[32]).Id.Text; // not a small number: one digit more would be 32 bytes still
        Assert.True(KeyId.TryParse(text, out KeyId? id));
        Assert.Equal(text, id.Text);
        foreach (string other in new[] { "1" + text, text + "1", " " + text, text + " ", text + "\0" })
            Assert.False(KeyId.TryParse(other, out _), other);
    }

    [Fact]
    public void Mutated_base58_never_throws_and_never_gives_a_second_text()
    {
        Random random = new(8051);
        string text = IdentityKey.Generate().Id.Text;
        byte[] value = new byte[32];
        for (int i = 0; i < 10_000; i++)
        {
            char[] chars = text.ToCharArray();
            for (int n = random.Next(1, 4); n > 0; n--)
                chars[random.Next(chars.Length)] = (char)random.Next(0, 200);
            string mutated = new(chars.AsSpan(0, random.Next(chars.Length + 1)));
            if (Base58.TryDecode(mutated, value))
                Assert.Equal(mutated, Base58.Encode(value));
        }
    }

    [Fact]
    public void A_sealing_key_is_believed_only_with_its_identitys_signature()
    {
        using IdentityKey node = IdentityKey.Generate();
        using IdentityKey other = IdentityKey.Generate();
        using SealingKeyPair pair = SealingKeyPair.Generate();
        Assert.Equal(pair.PublicKey.ToArray(), SealingVoucher.Verify(node.Id, SealingVoucher.Make(node, pair.PublicKey)));
        Assert.Null(SealingVoucher.Verify(node.Id, SealingVoucher.Make(other, pair.PublicKey)));
        Assert.Null(SealingVoucher.Verify(node.Id, SealingVoucher.Make(node, pair.PublicKey) with { Key = Convert.ToBase64String(new byte[32]) }));
        Assert.Null(SealingVoucher.Verify(node.Id, SealingVoucher.Make(node, pair.PublicKey) with { Signature = "" }));
    }

    [Fact]
    public void A_sealing_key_is_replaced_weekly_and_the_old_one_opens_for_one_day()
    {
        ManualClock clock = new();
        using IdentityKey node = IdentityKey.Generate();
        using SealingKeys keys = new(node, clock);
        byte[] first = SealingVoucher.Verify(node.Id, keys.Current)!;
        byte[] cipher = Crypto.TrySeal(first, "hello"u8)!;

        clock.Advance(TimeSpan.FromDays(7) + TimeSpan.FromHours(1));
        Assert.NotEqual(first, SealingVoucher.Verify(node.Id, keys.Current));
        Assert.Equal("hello"u8.ToArray(), keys.TryOpen(cipher));

        clock.Advance(TimeSpan.FromDays(1));
        Assert.Null(keys.TryOpen(cipher));
    }

    [Fact]
    public void A_seal_is_refused_when_changed_or_for_another()
    {
        using SealingKeyPair pair = SealingKeyPair.Generate();
        using SealingKeyPair other = SealingKeyPair.Generate();
        byte[] cipher = Crypto.TrySeal(pair.PublicKey, "hello"u8)!;
        Assert.Null(other.TryOpen(cipher));
        cipher[^1] ^= 1;
        Assert.Null(pair.TryOpen(cipher));
        Assert.Null(pair.TryOpen(cipher.AsSpan(0, 10)));
        Assert.Null(Crypto.TrySeal(new byte[32], "hello"u8));
    }

    private static string ByBigInteger(byte[] value)
    {
        const string alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
        BigInteger n = new(value, isUnsigned: true, isBigEndian: true);
        string text = "";
        for (; n > 0; n /= 58)
            text = alphabet[(int)(n % 58)] + text;
        return new string('1', value.TakeWhile(b => b == 0).Count()) + text;
    }
}
