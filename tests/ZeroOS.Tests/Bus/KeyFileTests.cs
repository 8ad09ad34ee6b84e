using System.Text;

using Xunit;

using ZeroOS.Bus.Keys;

namespace ZeroOS.Tests.Bus;

public sealed class KeyFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("zos-key").FullName;

    private string File => Path.Combine(_folder, "key");

    [Fact]
    public void A_new_file_is_its_owners_alone_and_is_never_overwritten()
    {
        using IdentityKey key = IdentityKey.Generate();
        KeyFile.Create(File, key, null);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, System.IO.File.GetUnixFileMode(File));
        using IdentityKey back = KeyFile.Open(File, NoPassphrase);
        Assert.Equal(key.Id, back.Id);
        Assert.Throws<IOException>(() => KeyFile.Create(File, key, null));
    }

    [Fact]
    public void A_file_others_can_read_is_refused()
    {
        KeyFile.Create(File, IdentityKey.Generate(), null);
        System.IO.File.SetUnixFileMode(File, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        Assert.Contains("chmod 600", Assert.Throws<InvalidDataException>(() => KeyFile.Open(File, NoPassphrase)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Under_a_passphrase_only_the_passphrase_opens_it()
    {
        using IdentityKey key = IdentityKey.Generate();
        byte[] text = KeyFile.Encode(key, "correct horse", 1 << 20);
        Assert.DoesNotContain(Convert.ToBase64String(key.Seed), Encoding.UTF8.GetString(text), StringComparison.Ordinal);
        using IdentityKey back = KeyFile.Decode(text, "key", () => "correct horse");
        Assert.Equal(key.Id, back.Id);
        Assert.Throws<InvalidDataException>(() => KeyFile.Decode(text, "key", () => "wrong horse"));
    }

    [Fact]
    public void Mutated_files_give_the_same_key_or_are_refused()
    {
        Random random = new(600);
        using IdentityKey key = IdentityKey.Generate();
        byte[] text = KeyFile.Encode(key, null);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] mutated = [.. text];
            for (int n = random.Next(1, 4); n > 0; n--)
                mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            try
            {
                using IdentityKey read = KeyFile.Decode(mutated, "key", NoPassphrase);
                Assert.Equal(key.Id, read.Id);
            }
            catch (InvalidDataException)
            {
            }
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static string NoPassphrase() => throw new InvalidOperationException("asked for a passphrase");
}
