using System.Text;

using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Host.Machines;
using ZeroOS.Linux;
using ZeroOS.Workloads;

namespace ZeroOS.Tests.Host.Machines;

public sealed class MachineRecordTests
{
    private static readonly WorkloadId s_id = new("tenant", "shop", "web");
    private static readonly GuestSpec s_spec = new()
    {
        Hostname = "web",
        RootDisk = "root",
        WritableDisk = "rw",
        Process = new GuestProcess { Arguments = ["/bin/true"] },
    };

    [Fact]
    public void A_record_is_read_back_whole_and_a_half_written_line_does_not_count()
    {
        using MachineRecord record = MachineRecord.Create(s_id, s_spec, 256 << 20, 128 << 20);
        record.Add(new MachineFact { Exited = new GuestExited { Code = 3 } });
        record.File.WriteAt("{\"failed\":{\"stage\":\"ro"u8, record.File.Length);

        using MachineRecord read = MachineRecord.TryRead(record.File.Duplicate())!;

        Assert.Equal(s_id, read.Id);
        Assert.Equal("web", read.ReadSpec().Hostname);
        Assert.Equal(3, read.Exited!.Code);
        Assert.True(read.IsSecret(record.Secret));
        Assert.False(read.IsSecret(new byte[GuestProtocol.SecretBytes]));
        Assert.False(read.Claimed);
        Assert.Equal((256L << 20, 128L << 20), (read.MemoryBytes, read.ReservedBytes));
        Assert.Null(read.Failed);
    }

    [Fact]
    public void Mutated_records_are_read_or_refused_but_never_throw()
    {
        const int Seed = 99;
        Random random = new(Seed);
        using MachineRecord record = MachineRecord.Create(s_id, s_spec, 256 << 20, 128 << 20);
        record.Add(new MachineFact { Failed = new GuestFailure { Stage = "root", Message = "no" } });
        byte[] good = new byte[record.File.Length];
        record.File.ReadExactlyAt(good, 0);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] bytes = [.. good];
            for (int m = random.Next(1, 5); m > 0; m--)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            using FileDescriptor file = FileDescriptor.Memory("mutant");
            file.WriteAt(bytes.AsSpan(0, random.Next(1, bytes.Length + 1)), 0);
            MachineRecord? read = MachineRecord.TryRead(file);
            Assert.True(read is null || read.Secret.Length == GuestProtocol.SecretBytes, $"seed {Seed} round {i}: {Encoding.UTF8.GetString(bytes)}");
        }
    }
}
