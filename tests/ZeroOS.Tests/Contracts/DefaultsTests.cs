using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;

using Xunit;

using ZeroOS.Contracts.Bus;
using ZeroOS.Contracts.Deployments;
using ZeroOS.Contracts.Guest;
using ZeroOS.Contracts.Monitor;

namespace ZeroOS.Tests.Contracts;

/// <summary>
/// The JSON source generator gives an absent init-only property its type's default, not its initializer's value; so members with a default are settable.
/// </summary>
public sealed class DefaultsTests
{
    [Fact]
    public void Absent_members_have_the_defaults_that_are_written_down()
    {
        ZmachineData machine = JsonSerializer.Deserialize("""{ "flist": { "reference": "r/i", "digest": "d" }, "memory": 1 }""", BusJson.Default.ZmachineData)!;
        Assert.Equal((1, 1L << 30, RestartPolicy.Always, "10s"), (machine.Cpu, machine.Rootfs.Bytes, machine.Restart, machine.Stop.Timeout));
        Assert.Empty(machine.Env);
        Assert.Empty(machine.Mounts);
        Assert.Equal(1500, JsonSerializer.Deserialize("""{ "mac": "m", "addresses": [] }""", GuestJson.Default.GuestNic)!.Mtu);
        Assert.Equal(-1, JsonSerializer.Deserialize("""{ "serial": "s", "kind": "Raw", "descriptor": 5 }""", MonitorJson.Default.VmDisk)!.IndexDescriptor);
    }

    [Fact]
    public void No_contract_has_an_init_only_member_with_a_default()
    {
        foreach (Type type in typeof(BusJson).Assembly.GetTypes()
            .Where(t => t.IsClass && !t.IsAbstract && t.GetMethod("<Clone>$") is not null && t.GetConstructor(Type.EmptyTypes) is not null))
        {
            object made = RuntimeHelpers.GetUninitializedObject(type), fresh = Activator.CreateInstance(type)!;
            foreach (PropertyInfo property in type.GetProperties().Where(p => p.SetMethod is { } set
                && set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit))
                && p.GetCustomAttribute<RequiredMemberAttribute>() is null))
                Assert.True(Equals(property.GetValue(made), property.GetValue(fresh)),
                    $"{type.Name}.{property.Name} is init-only and has a default: JSON would lose it");
        }
    }
}
