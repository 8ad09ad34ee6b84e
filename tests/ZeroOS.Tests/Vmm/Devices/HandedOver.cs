using ZeroOS.Linux;

namespace ZeroOS.Tests.Vmm.Devices;

/// <summary>Descriptors as the monitor gets them: plain numbers that somebody else then owns.</summary>
internal static class HandedOver
{
    /// <summary>Gives up ownership of a descriptor and returns its number.</summary>
    public static int TakeNumber(this FileDescriptor descriptor)
    {
        int number = descriptor.Number;
        descriptor.SetHandleAsInvalid();
        return number;
    }
}
