using System.Text;
using System.Text.Json;

using ZeroOS.Bus.Json;
using ZeroOS.Bus.Sodium;

namespace ZeroOS.Bus.Keys;

/// <summary>The file a person's identity is kept in: mode 0600, never overwritten, refused if others can read it, optionally under a passphrase.</summary>
public static class KeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int MaxBytes = 4096;
    private const string Argon2id = "argon2id13";
    private const long Operations = 3;
    private const long MemoryBytes = 256L << 20;
    private const long MaxMemoryBytes = 4L << 30;

    /// <summary>Writes a new file.</summary>
    /// <exception cref="IOException">It exists already, or cannot be written.</exception>
    public static void Create(string path, IdentityKey key, string? passphrase)
    {
        string? folder = Path.GetDirectoryName(Path.GetFullPath(path));
        if (folder is not null)
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
        using FileStream file = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly });
        file.Write(Encode(key, passphrase));
        file.Flush(flushToDisk: true);
    }

    /// <summary>The file's text, for export.</summary>
    public static byte[] Encode(IdentityKey key, string? passphrase) => Encode(key, passphrase, MemoryBytes);

    internal static byte[] Encode(IdentityKey key, string? passphrase, long memoryBytes)
    {
        WireKeyFile wire = new() { Version = 1, Id = key.Id.Text };
        wire = passphrase is null ? wire with { Seed = Convert.ToBase64String(key.Seed) } : wire with { Locked = Lock(key, passphrase, memoryBytes) };
        return [.. JsonSerializer.SerializeToUtf8Bytes(wire, KeyFileJson.Default.WireKeyFile), (byte)'\n'];
    }

    /// <summary>Opens a key file; <paramref name="askPassphrase"/> is called only when it is locked.</summary>
    /// <exception cref="InvalidDataException">Others can read it, it is no key file, or the passphrase is wrong.</exception>
    public static IdentityKey Open(string path, Func<string> askPassphrase)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read);
        UnixFileMode others = File.GetUnixFileMode(file.SafeFileHandle) & ~(OwnerOnly | UnixFileMode.UserExecute);
        if (others != UnixFileMode.None)
            throw new InvalidDataException($"{path} can be read by others, so its key is no secret; make it yours alone with: chmod 600 {path}");
        byte[] text = new byte[MaxBytes];
        int length = file.ReadAtLeast(text, MaxBytes, throwOnEndOfStream: false);
        return Decode(text.AsSpan(0, length), path, askPassphrase);
    }

    /// <summary>Reads a key file's text; <paramref name="name"/> is for messages.</summary>
    /// <exception cref="InvalidDataException">No key file, or the wrong passphrase.</exception>
    public static IdentityKey Decode(ReadOnlySpan<byte> text, string name, Func<string> askPassphrase)
    {
        if (!StrictJson.TryRead(text, KeyFileJson.Default.WireKeyFile, out WireKeyFile? wire, out JsonFault? fault))
            throw new InvalidDataException($"{name} is no key file: {fault.Message}");
        if (wire.Version != 1 || wire.Seed is null == wire.Locked is null)
            throw new InvalidDataException($"{name} is a key file of a kind this zos does not know");
        byte[] seed = wire.Locked is WireLock locked ? Unlock(locked, name, askPassphrase())
            : CanonicalBase64.TryDecode(wire.Seed!, Crypto.KeyBytes, out byte[] plain) ? plain
            : throw new InvalidDataException($"{name} is damaged: its seed is not 32 bytes");
        IdentityKey key = IdentityKey.FromSeed(seed);
        Crypto.Erase(seed);
        if (key.Id.Text == wire.Id)
            return key;
        key.Dispose();
        throw new InvalidDataException($"{name} is damaged: its key is not {wire.Id}");
    }

    private static WireLock Lock(IdentityKey key, string passphrase, long memoryBytes)
    {
        byte[] salt = Crypto.Random(Crypto.SaltBytes);
        byte[] nonce = Crypto.Random(Crypto.SecretBoxNonceBytes);
        byte[] derived = Crypto.DeriveKey(Encoding.UTF8.GetBytes(passphrase), salt, Operations, memoryBytes);
        WireLock locked = new()
        {
            Kdf = Argon2id,
            Operations = Operations,
            MemoryBytes = memoryBytes,
            Salt = Convert.ToBase64String(salt),
            Nonce = Convert.ToBase64String(nonce),
            Box = Convert.ToBase64String(Crypto.LockSecret(derived, nonce, key.Seed)),
        };
        Crypto.Erase(derived);
        return locked;
    }

    private static byte[] Unlock(WireLock locked, string name, string passphrase)
    {
        bool sound = locked.Kdf == Argon2id
            & locked.Operations is >= 1 and <= 100
            & locked.MemoryBytes is >= 8192 and <= MaxMemoryBytes
            & CanonicalBase64.TryDecode(locked.Salt, Crypto.SaltBytes, out byte[] salt)
            & CanonicalBase64.TryDecode(locked.Nonce, Crypto.SecretBoxNonceBytes, out byte[] nonce)
            & CanonicalBase64.TryDecode(locked.Box, Crypto.KeyBytes + Crypto.SecretBoxOverhead, out byte[] box);
        if (!sound)
            throw new InvalidDataException($"{name} is damaged: its lock is not understood");
        byte[] derived = Crypto.DeriveKey(Encoding.UTF8.GetBytes(passphrase), salt, (ulong)locked.Operations, locked.MemoryBytes);
        byte[]? seed = Crypto.UnlockSecret(derived, nonce, box);
        Crypto.Erase(derived);
        return seed ?? throw new InvalidDataException($"that is not the passphrase of {name}");
    }
}
