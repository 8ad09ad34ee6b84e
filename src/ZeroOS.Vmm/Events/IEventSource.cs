using ZeroOS.Linux;

namespace ZeroOS.Vmm.Events;

/// <summary>Somebody the event loop calls, on its thread, when a descriptor is ready.</summary>
internal interface IEventSource
{
    /// <summary>The descriptor added with <paramref name="tag"/> is ready. Level-triggered: called again until it is not.</summary>
    void OnReady(int tag, Readiness ready);
}
