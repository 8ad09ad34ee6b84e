using System.Security.Cryptography;

namespace ZeroOS.Formats.Tpm;

/// <summary>
/// What authorizes a command (Part 1, 19): the empty password, or a session opened by <see cref="TpmClient.StartSession"/>. A session salted to a key of the
/// TPM authenticates commands and answers, and encrypts their first parameter, so that whoever listens on the wires between processor and TPM learns nothing.
/// All authorization values here are empty.
/// </summary>
public sealed class TpmSession
{
    /// <summary>The empty password.</summary>
    public static readonly TpmSession Password = new(TpmEntity.OfHandle(0x40000009), TpmAlgorithm.Sha256, [], [], isPolicy: false);

    private const byte ContinueSession = 0x01, DecryptCommand = 0x20, EncryptResponse = 0x40;
    private const int KeyBits = 128;

    private readonly TpmAlgorithm _hash;
    private readonly byte[] _key;
    private readonly bool _isPolicy;
    private byte[] _nonceTpm;
    private byte[] _nonceCaller = [];
    private byte _attributes;

    internal TpmSession(TpmEntity entity, TpmAlgorithm hash, byte[] key, byte[] nonceTpm, bool isPolicy) =>
        (Entity, _hash, _key, _nonceTpm, _isPolicy) = (entity, hash, key, nonceTpm, isPolicy);

    /// <summary>The session as something to flush, or to extend by a policy command.</summary>
    public TpmEntity Entity { get; }

    /// <summary>It is the password.</summary>
    internal bool IsPassword => ReferenceEquals(this, Password);

    /// <summary>It has a key, so parameters can be encrypted.</summary>
    internal bool CanEncrypt => _key.Length > 0;

    /// <summary>Begins a command: draws the nonce; what is to be encrypted becomes an attribute.</summary>
    internal void Begin(bool encryptCommand, bool encryptResponse, Func<int, byte[]> random)
    {
        if (IsPassword)
            return;
        _nonceCaller = random(TpmHash.Bytes(_hash));
        _attributes = (byte)(ContinueSession | (CanEncrypt && encryptCommand ? DecryptCommand : 0) | (CanEncrypt && encryptResponse ? EncryptResponse : 0));
    }

    /// <summary>Encrypts the first, sized parameter in place if the attribute says so.</summary>
    internal void EncryptCommand(Span<byte> parameters)
    {
        if ((_attributes & DecryptCommand) == 0)
            return;
        (byte[] key, byte[] iv) = ParameterKey(_nonceCaller, _nonceTpm);
        Span<byte> content = FirstSized(parameters);
        TpmKdf.EncryptCfb(key, iv, content).CopyTo(content);
        CryptographicOperations.ZeroMemory(key);
    }

    /// <summary>The TPMS_AUTH_COMMAND.</summary>
    internal void WriteTo(TpmWriter to, ReadOnlyMemory<byte> cpHashInput)
    {
        byte[] hmac = IsPassword || !HasHmac ? [] : Hmac(cpHashInput, _nonceCaller, _nonceTpm);
        to.UInt32(Entity.Handle).Sized(_nonceCaller).Byte(_attributes).Sized(hmac);
    }

    /// <summary>Reads and checks the TPMS_AUTH_RESPONSE.</summary>
    /// <exception cref="TpmException">It is not the TPM that answered, or not to this command.</exception>
    internal void ReadFrom(ref TpmReader from, ReadOnlyMemory<byte> rpHashInput)
    {
        byte[] nonce = from.ReadSized().ToArray();
        byte attributes = from.ReadByte();
        ReadOnlySpan<byte> hmac = from.ReadSized();
        if (IsPassword)
            return;
        _nonceTpm = nonce;
        if (HasHmac && (attributes != _attributes || !CryptographicOperations.FixedTimeEquals(hmac, Hmac(rpHashInput, _nonceTpm, _nonceCaller))))
            throw new TpmException("the answer is not authenticated by the session: something stands between processor and TPM");
    }

    /// <summary>Decrypts the first, sized parameter of the answer in place if the attribute says so; after <see cref="ReadFrom"/>, which checks it.</summary>
    internal void DecryptResponse(Span<byte> parameters)
    {
        if ((_attributes & EncryptResponse) == 0)
            return;
        (byte[] key, byte[] iv) = ParameterKey(_nonceTpm, _nonceCaller);
        Span<byte> content = FirstSized(parameters);
        TpmKdf.DecryptCfb(key, iv, content).CopyTo(content);
        CryptographicOperations.ZeroMemory(key);
    }

    internal byte[] HashParameters(ReadOnlyMemory<byte> input) => TpmHash.Compute(_hash, input);

    // A policy session without a salt has no key, and nothing to authenticate by (Part 1, 19.6.13).
    private bool HasHmac => _key.Length > 0 || !_isPolicy;

    private byte[] Hmac(ReadOnlyMemory<byte> parametersHashInput, byte[] newer, byte[] older) =>
        TpmHash.Hmac(_hash, _key, HashParameters(parametersHashInput), newer, older, new[] { _attributes });

    private (byte[] Key, byte[] Iv) ParameterKey(byte[] newer, byte[] older)
    {
        byte[] both = TpmKdf.Kdfa(_hash, _key, "CFB", newer, older, KeyBits + 128);
        return (both[..(KeyBits / 8)], both[(KeyBits / 8)..]);
    }

    private static Span<byte> FirstSized(Span<byte> parameters)
    {
        TpmReader reader = new(parameters);
        return parameters.Slice(2, reader.ReadSized().Length);
    }
}
