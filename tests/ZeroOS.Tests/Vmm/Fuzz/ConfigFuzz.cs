using System.Text;

using Xunit;

using ZeroOS.Linux;
using ZeroOS.Vmm.Control;

namespace ZeroOS.Tests.Vmm.Fuzz;

/// <summary>The configuration as somebody who has taken the node over would write it: taken or refused with a sentence.</summary>
public static class ConfigFuzz
{
    private const string Good = """
        {"cpus":1,"memoryBytes":67108864,"kernelDescriptor":10,"initrdDescriptor":11,"commandLine":"quiet","kvmDescriptor":12,"controlDescriptor":13,
        "disks":[{"serial":"root","kind":"Flist","descriptor":15,"indexDescriptor":16,"verifiedDescriptor":17,"chunkDescriptor":18}],
        "nics":[{"tapDescriptor":19,"mac":"02:00:00:00:00:01"}],"guestCid":3}
        """;

    /// <summary>Reads that many mutations.</summary>
    public static void Run(int seed, int operations)
    {
        Random random = new(seed);
        byte[] good = Encoding.UTF8.GetBytes(Good);
        int taken = 0, refused = 0;
        for (int i = 0; i < operations; i++)
        {
            byte[] bytes = [.. good];
            for (int changes = random.Next(4); changes > 0; changes--)
                bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : (byte)"0123456789-,:\"[]{}e."[random.Next(20)];
            using FileDescriptor file = FileDescriptor.Memory("config");
            file.WriteAt(bytes.AsSpan(0, random.Next(8) == 0 ? random.Next(bytes.Length) : bytes.Length), 0);
            try
            {
                _ = ConfigReader.Read(file);
                taken++;
            }
            catch (ConfigException e)
            {
                Assert.NotEmpty(e.Message);
                refused++;
            }
        }
        Assert.True(taken > operations / 10 && refused > operations / 10, $"seed {seed}: {taken} taken, {refused} refused");
    }
}
